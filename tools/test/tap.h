/* SPDX-License-Identifier: GPL-2.0-only */
/* TAP for the tests of the tools. */
#ifndef TEST_TAP_H
#define TEST_TAP_H

#include <stdbool.h>
#include <stdio.h>

struct tap {
	unsigned int count, failed;
};

/* One test; what differs is printed by the caller as "# ..." lines after it. Return: @ok. */
static inline bool tap(struct tap *tap, bool ok, const char *name)
{
	tap->count++;
	tap->failed += !ok;
	printf("%sok %u - %s\n", ok ? "" : "not ", tap->count, name);
	return ok;
}

static inline bool tap_eq(struct tap *t, unsigned long long seen, unsigned long long wanted,
			  const char *name)
{
	const bool ok = tap(t, seen == wanted, name);

	if (!ok)
		printf("# seen %#llx, wanted %#llx\n", seen, wanted);
	return ok;
}

static inline int tap_end(const struct tap *tap)
{
	printf("1..%u\n", tap->count);
	return tap->failed ? 1 : 0;
}

#endif /* TEST_TAP_H */
