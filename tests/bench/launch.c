// SPDX-License-Identifier: GPL-2.0-only
/* A launcher and its guest, from fork to the end of the process. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <x86intrin.h>

#include "side.h"

/* Nothing to read, and what it writes goes to a file: a terminal would be measured too. */
__attribute__((noreturn))
static void become(const char *console, char **command)
{
	int in = open("/dev/null", O_RDONLY);
	int out = open(console, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (in < 0 || out < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
		_exit(126);
	execvp(command[0], command);
	_exit(127);
}

int launch(const char *side, const char *row, const char *console, char **command)
{
	uint64_t start = __rdtsc(), ticks;
	int status;
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (!pid)
		become(console, command);
	if (waitpid(pid, &status, 0) != pid)
		die("waitpid");
	ticks = __rdtsc() - start;
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		die("%s: wait status %#x", command[0], status);
	printf("bench %s %s %llu\n", side, row, (unsigned long long)ticks);
	return 0;
}
