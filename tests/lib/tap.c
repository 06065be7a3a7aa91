// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "tap.h"

static int count, failed;

static void note(const char *fmt, va_list args)
{
	printf("# ");
	vprintf(fmt, args);
	printf("\n");
	fflush(stdout);
}

void tap_note(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	note(fmt, args);
	va_end(args);
}

bool tap_ok(bool good, const char *fmt, ...)
{
	va_list args;

	failed += !good;
	printf("%s %d - ", good ? "ok" : "not ok", ++count);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
	return good;
}

bool tap_equal(uint64_t seen, uint64_t wanted, const char *name)
{
	if (seen != wanted)
		tap_note("%s: seen %#" PRIx64 ", wanted %#" PRIx64, name, seen, wanted);
	return tap_ok(seen == wanted, "%s", name);
}

void tap_skip(const char *name, const char *why, ...)
{
	va_list args;

	printf("ok %d - %s # SKIP ", ++count, name);
	va_start(args, why);
	vprintf(why, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
}

void tap_skip_all(const char *fmt, ...)
{
	va_list args;

	printf("1..0 # SKIP ");
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	exit(0);
}

void tap_bail(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	note(fmt, args);
	va_end(args);
	printf("not ok %d - could not go on\n", ++count);
	exit(1);
}

int tap_done(void)
{
	printf("1..%d\n", count);
	fflush(stdout);
	return failed != 0;
}
