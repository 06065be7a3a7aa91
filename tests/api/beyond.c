// SPDX-License-Identifier: GPL-2.0-only
/*
 * beyond kexec|crash runs|went [COMMAND]: leave Linux for a program of our own (guest/beyond.S),
 * by kexec or by a crash with that program in the place of the crash kernel, while a guest runs or
 * after the last VM went. COMMAND runs just before. It does not return: what it has to show is
 * what the program says on the second serial line.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kexec.h>
#include <linux/reboot.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host.h"
#include "refusal.h"
#include "tap.h"

#define IMAGE		"/guest/beyond.bin"
#define IMAGE_MAX	0x4000
#define KEXEC_PLACE	0x4000000ul	/* any RAM that the kernel itself does not sit in */

static char image[IMAGE_MAX];

/* Where the kernel keeps memory for a crash kernel. */
static unsigned long crash_place(void)
{
	FILE *f = fopen("/proc/iomem", "re");
	unsigned long start = 0;
	char line[128];

	while (f && !start && fgets(line, sizeof(line), f)) {
		if (strstr(line, "Crash kernel"))
			start = strtoul(line, NULL, 16);
	}
	if (f)
		fclose(f);
	if (!start)
		tap_bail("no memory for a crash kernel");
	return start;
}

static void load(bool crash)
{
	unsigned long place = crash ? crash_place() : KEXEC_PLACE;
	struct kexec_segment segment = {
		.buf = image, .mem = (void *)place, .memsz = sizeof(image) };
	int fd = open(IMAGE, O_RDONLY | O_CLOEXEC);
	ssize_t size = read(fd, image, sizeof(image));

	if (size <= 0)
		tap_bail("%s: %s", IMAGE, strerror(errno));
	close(fd);
	segment.bufsz = size;
	if (syscall(SYS_kexec_load, place, 1ul, &segment, crash ? KEXEC_ON_CRASH : 0ul))
		tap_bail("kexec_load: %s", strerror(errno));
}

int main(int argc, char **argv)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct counter g;
	char all[64];
	bool crash;

	if (argc < 3)
		tap_bail("usage: beyond kexec|crash runs|went [COMMAND]");
	crash = !strcmp(argv[1], "crash");
	load(crash);
	online_cpus(all, sizeof(all));
	counter_start(&g);
	/* others cannot start the bootstrap processor: it is the one that goes on */
	pin(g.thread, cpus > 1);
	pin(pthread_self(), 0);
	if (!expect_counting(&g, "a guest"))
		tap_bail("no guest runs");
	if (!expect_vmxe(all, "VMX is on everywhere"))
		tap_bail("VMX is not on everywhere");
	if (!strcmp(argv[2], "went"))
		counter_close(&g);
	fflush(NULL);
	alarm(0);
	if (argc > 3 && system(argv[3]))
		tap_bail("the command failed");
	usleep(200000);	/* what was printed gets out */
	if (crash)
		write_line("/proc/sysrq-trigger", "c");
	else
		syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
			LINUX_REBOOT_CMD_KEXEC, NULL);
	tap_bail("Linux goes on");
}
