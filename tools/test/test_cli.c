// SPDX-License-Identifier: GPL-2.0-only
/* Options that are none, and sizes; the whole command lines are cli.sh's. */
#include <errno.h>
#include <string.h>

#include "cli.h"
#include "options.h"
#include "tap.h"

static const struct option known[] = {
	{ "kernel", required_argument, NULL, 1 }, { "initrd", required_argument, NULL, 2 },
	{ "mem", required_argument, NULL, 3 }, { "cpu", required_argument, NULL, 4 },
	{ "cpus", required_argument, NULL, 5 }, { "fw-cfg", required_argument, NULL, 6 },
	{ "flat", required_argument, NULL, 7 }, { "flat-addr", required_argument, NULL, 8 },
	{ "trace-io", no_argument, NULL, 9 }, { NULL, 0, NULL, 0 },
};

static const char *const aliases[] = { "smp", "cpus", NULL };
static const struct cli cli = { .program = "test", .known = known, .aliases = aliases };

static void test_near(struct tap *t)
{
	static const struct { const char *given, *wanted; } rows[] = {
		{ "-kernel", " did you mean --kernel?" },
		{ "--krenel", " did you mean --kernel?" },
		{ "--kernl=x", " did you mean --kernel?" },
		{ "--KERNEL", " did you mean --kernel?" },
		{ "kernel", " did you mean --kernel?" },
		{ "\xe2\x80\x94kernel", " did you mean --kernel?" },
		{ "--kernels", " did you mean --kernel?" },
		{ "--fw_cfg", " did you mean --fw-cfg?" },
		{ "--memory", " did you mean --mem?" },
		{ "-smp", " did you mean --cpus?" },
		{ "--ram-disk", "" },
		{ "--f", " did you mean --fw-cfg or --flat or --flat-addr?" },
		{ "--traceio", " did you mean --trace-io?" },
		{ "--intird", " did you mean --initrd?" },
		{ "--", "" }, { "-", "" }, { "", "" }, { "--q", "" },
		{ "--verylongwordthatnobodyknowsatall", "" },
	};
	unsigned int i;
	char text[200];

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		cli_near(&cli, rows[i].given, text, sizeof(text));
		if (!tap(t, !strcmp(text, rows[i].wanted), rows[i].given))
			printf("# said \"%s\"\n", text);
	}
	cli_near(&cli, "--f", text, 20);
	tap_eq(t, strlen(text), 19, "a short buffer holds what fits");
}

static void test_size(struct tap *t)
{
	static const struct { const char *text; int err; uint64_t size; } rows[] = {
		{ "4096", 0, 4096 }, { "4K", 0, 4096 }, { "4k", 0, 4096 },
		{ "256M", 0, 256ull << 20 },
		{ "2g", 0, 2ull << 30 }, { "1T", 0, 1ull << 40 }, { "1GiB", 0, 1ull << 30 },
		{ "0x1000", 0, 4096 }, { "0", 0, 0 }, { "16777215T", 0, 16777215ull << 40 },
		{ "4097", -EDOM, 0 }, { "1", -EDOM, 0 },
		{ "16777216T", -ERANGE, 0 }, { "99999999999999999999", -ERANGE, 0 },
		{ "99999999999999999999K", -ERANGE, 0 },
		{ "", -EINVAL, 0 }, { "M", -EINVAL, 0 }, { "-1", -EINVAL, 0 }, { "+1", -EINVAL, 0 },
		{ " 1M", -EINVAL, 0 }, { "1M ", -EINVAL, 0 }, { "1.5G", -EINVAL, 0 },
		{ "1MB", -EINVAL, 0 }, { "1MiBs", -EINVAL, 0 }, { "1P", -EINVAL, 0 },
		{ "256iB", -EINVAL, 0 }, { "1x", -EINVAL, 0 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t size = 0;
		const int err = parse_size(rows[i].text, &size);

		if (!tap(t, err == rows[i].err && (err || size == rows[i].size), rows[i].text))
			printf("# error %d, size %#llx\n", err, (unsigned long long)size);
	}
}

int main(void)
{
	struct tap t = { 0 };

	test_near(&t);
	test_size(&t);
	return tap_end(&t);
}
