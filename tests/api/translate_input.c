// SPDX-License-Identifier: GPL-2.0-only
/* TRANSLATE: what it refuses, and what its answers hold. guest_translate.c asks the CPU. */
#include <errno.h>
#include <string.h>

#include "libvmxhv.h"
#include "machine.h"
#include "refusal.h"
#include "tap.h"

#define GVA	0x40201234ull		/* PML4 0, PDPT 1, PD 1, PT 1 */
#define PDPT1	(PAGE_TABLES + 0x1000 + 8)
#define NEW_PD	0x20000
#define NEW_PT	0x21000
#define FRAME	0x30000

static struct machine m;
static struct cpu c;

static void refusals(void)
{
	static const struct poke pokes[] = {
		{ "access: none", POKE_ARG(vmxhv_translate, access), 0, EINVAL, "neither" },
		{ "access: by whom only", POKE_ARG(vmxhv_translate, access), 8, EINVAL, "neither" },
		{ "access: unknown bit", POKE_ARG(vmxhv_translate, access), 0x21, EINVAL,
		  "unknown" },
		{ "access: fetch and read", POKE_ARG(vmxhv_translate, access), 5, EINVAL, "fetch" },
		{ "access: fetch and write", POKE_ARG(vmxhv_translate, access), 6, EINVAL,
		  "fetch" },
		{ "access: implicit fetch", POKE_ARG(vmxhv_translate, access), 0x14, EINVAL,
		  "implicit" },
		{ "access: implicit by user", POKE_ARG(vmxhv_translate, access), 0x19, EINVAL,
		  "implicit" },
		{ "reserved", POKE_ARG(vmxhv_translate, reserved), 1, EINVAL, "reserved" },
	};
	struct vmxhv_translate t = { .size = sizeof(t), .access = VMXHV_ACCESS_READ };

	tap_equal(call(c.fd, VMXHV_TRANSLATE, &t), 0, "a read");
	expect_struct_rules(c.fd, VMXHV_TRANSLATE, &t, sizeof(t), "TRANSLATE");
	expect_refused(c.fd, VMXHV_TRANSLATE, &t, &t, pokes, ARRAY_SIZE(pokes));
	tap_equal(-call(m.vm, VMXHV_TRANSLATE, &t), ENOTTY, "a VM does not translate");
}

/* The whole answer: what a result does not use is 0, whatever was there. */
static void expect_answer(const char *name, uint64_t gva, uint32_t access,
			  const struct vmxhv_translate *wanted)
{
	struct vmxhv_translate t, w = *wanted;

	memset(&t, 0xff, sizeof(t));
	t.size = sizeof(t);
	t.flags = 0;
	t.gva = gva;
	t.access = access;
	t.reserved = 0;
	w.size = sizeof(w);
	w.gva = gva;
	w.access = access;
	if (call(c.fd, VMXHV_TRANSLATE, &t))
		tap_note("TRANSLATE: %.96s", last_error(c.fd).text);
	if (memcmp(&t, &w, sizeof(t)))
		tap_note("result %u gpa %#llx size %#llx rights %#x vector %u error %#x CR2 %#llx",
			 t.result, t.gpa, t.page_size, t.rights, t.vector, t.error_code, t.cr2);
	tap_ok(!memcmp(&t, &w, sizeof(t)), "%s", name);
}

#define ANSWER(name, gva, access, ...)						\
	expect_answer(name, gva, access, &(const struct vmxhv_translate){ __VA_ARGS__ })
#define TO(at, size, may)							\
	.result = VMXHV_TRANSLATED, .gpa = (at), .page_size = (size), .rights = (may)
#define PF(error, address)							\
	.result = VMXHV_TRANSLATE_FAULT, .vector = 14, .error_code = (error), .cr2 = (address)

static void put(uint64_t at, uint64_t entry)
{
	memcpy(m.ram + at, &entry, sizeof(entry));
}

static void answers(void)
{
	cpu_start(&c, MODE_REAL, 0);
	ANSWER("no paging: the address itself, in 32 bits", 0xabc12345678, VMXHV_ACCESS_FETCH,
	       TO(0x12345678, 4096, 0xf));
	cpu_start(&c, MODE_LONG, 0);
	ANSWER("2M page", 0x212345, VMXHV_ACCESS_WRITE, TO(0x212345, 2 << 20, 0xf));
	ANSWER("nothing there", GVA, VMXHV_ACCESS_WRITE | VMXHV_ACCESS_USER, PF(6, GVA));
	ANSWER("not canonical", 1ull << 47, VMXHV_ACCESS_READ, .result = VMXHV_TRANSLATE_FAULT,
	       .vector = 13);
	ANSWER("the last canonical address", ~0ull, VMXHV_ACCESS_READ, PF(0, ~0ull));
	put(PDPT1, 0x7000000 | 7);
	ANSWER("a table where no memory is", GVA, VMXHV_ACCESS_READ,
	       .result = VMXHV_TRANSLATE_NO_TABLE, .gpa = 0x7000000 + 8);
	put(PDPT1, NEW_PD | 7);
	put(NEW_PD + 8, NEW_PT | 7);
	put(NEW_PT + 8, FRAME | 5);
	ANSWER("4K page, read-only for user code", GVA, VMXHV_ACCESS_READ | VMXHV_ACCESS_USER,
	       TO(FRAME + 0x234, 4096, VMXHV_ACCESS_READ | VMXHV_ACCESS_FETCH |
		  VMXHV_ACCESS_USER));
	ANSWER("it does not write there", GVA, VMXHV_ACCESS_WRITE | VMXHV_ACCESS_USER, PF(7, GVA));
	put(NEW_PT + 8, 0x7fff000 | 3);
	ANSWER("whether memory is there is not asked", GVA, VMXHV_ACCESS_READ,
	       TO(0x7fff234, 4096, VMXHV_ACCESS_READ | VMXHV_ACCESS_WRITE | VMXHV_ACCESS_FETCH));
	tap_equal(*(uint64_t *)(m.ram + NEW_PT + 8), 0x7fff003, "no flag was set");
}

/* The library's call, and its words. */
static void library(void)
{
	static const struct {
		uint64_t gva;
		const char *words;
	} rows[] = {
		{ GVA, "gpa 0x7fff234 in a supervisor page of 4 KiB, rwx" },
		{ 1ull << 46, "a page fault: error code 0, CR2 0x400000000000" },
		{ 1ull << 62, "not canonical" },
	};
	struct vmxhv_vcpu vcpu = { .fd = c.fd };
	struct vmxhv_translate answer;
	char words[120] = "";

	for (int i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!vmxhv_vcpu_translate(&vcpu, rows[i].gva, VMXHV_ACCESS_READ, &answer))
			vmxhv_translate_describe(&answer, words, sizeof(words));
		if (strcmp(words, rows[i].words))
			tap_note("'%s'", words);
		tap_ok(!strcmp(words, rows[i].words), "in words: %s", rows[i].words);
	}
	tap_equal(-vmxhv_vcpu_translate(&vcpu, 0, 0, &answer), EINVAL, "and a refusal");
	tap_ok(strstr(vmxhv_message(&vcpu.fail), "neither read"), "says why");
}

int main(void)
{
	machine_create(&m, 1 << 20);
	load_guest(&m, "spin");
	cpu_create(&m, &c, 0);
	cpu_start(&c, MODE_LONG, 0);
	refusals();
	answers();
	library();
	cpu_destroy(&c);
	machine_destroy(&m);
	return tap_done();
}
