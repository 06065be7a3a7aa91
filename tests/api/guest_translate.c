// SPDX-License-Identifier: GPL-2.0-only
/*
 * TRANSLATE against the CPU: random page tables of every paging mode under random control bits, and
 * random accesses to them. TRANSLATE says what each would do; then the guest does it, and both must
 * agree: on the fault, its error code and CR2, or on where the data is.
 *
 *	guest_translate [seed [accesses]]
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "machine.h"
#include "paging.h"
#include "refusal.h"
#include "tap.h"
#include "translate.h"

enum { START64, START32, USER_PAGE };	/* the guest's table */

static const char *const kind_names[] = {
	[TOUCH_READ] = "read", [TOUCH_WRITE] = "write", [TOUCH_RMW] = "read and write",
	[TOUCH_FETCH] = "fetch", [TOUCH_DESCRIPTOR] = "implicit read",
};

struct touch {
	uint32_t kind, by_user;
	uint64_t gva;
	uint32_t input, vector, error, eax;
	uint64_t rip, cr2;
	uint64_t ldt[2];
};

/* Accesses that share registers and tables, and one entry into the guest. */
struct batch {
	struct tables tables;
	int count;
	struct touch *touches;			/* in the guest's memory */
	struct vmxhv_translate answers[MAX_TOUCHES];
	struct vmxhv_translate emulated[MAX_TOUCHES];	/* size 0: as the answer */
	uint32_t tags[MAX_TOUCHES];
	uint64_t mmio[MAX_TOUCHES];		/* where it met no memory; 0: it did not */
};

static struct machine m;
static struct cpu c;
static uint8_t *high;
static uint8_t before[TABLE_PAGES * 4096];

static struct {
	int agreed, excluded, disagreed;
	bool flags_stayed, rights_right;
	int done[PAGINGS];
	int pages[PAGINGS][4];			/* translated, by size: see size_names */
	int faults[PAGINGS][32];		/* #PF by error code */
	int not_canonical, no_table, mmio;
	int kinds[TOUCH_KINDS][2];		/* translated, by kind and CPL */
} seen;

static const struct { const char *name; uint64_t bytes; } page_sizes[] = {
	{ "4K", 4096 }, { "2M", 2 << 20 }, { "4M", 4 << 20 }, { "1G", 1 << 30 },
};

/* The test's address of a page that tables may lead to, or NULL. */
static uint8_t *at_gpa(uint64_t gpa)
{
	if (gpa >= FRAMES && gpa + 8 <= RAM_SIZE)
		return m.ram + gpa;
	if (gpa >= HIGH && gpa + 8 <= HIGH + HIGH_SIZE)
		return high + (gpa - HIGH);
	return NULL;
}

/* ---- accesses ----------------------------------------------------------------------------- */

static uint64_t random_address(const struct batch *b, uint32_t kind)
{
	uint64_t gva = random64();

	switch (b->tables.paging) {
	case LONG:
		if (one_in(30) && kind != TOUCH_DESCRIPTOR)
			return gva;
		gva = (int64_t)(gva << 16) >> 16;
		return gva >> 21 ? gva : 1ull << 40;
	case NONE:
		gva = one_in(20) ? NOWHERE32 : one_in(2) ? FRAMES : LARGE;
		return gva + (random64() & 0xff000);
	default:
		gva = (uint32_t)gva;
		return gva >> 22 ? gva : 1u << 30;
	}
}

static uint32_t access_of(const struct touch *t)
{
	static const uint32_t kinds[] = {
		[TOUCH_READ] = VMXHV_ACCESS_READ, [TOUCH_WRITE] = VMXHV_ACCESS_WRITE,
		[TOUCH_RMW] = VMXHV_ACCESS_READ | VMXHV_ACCESS_WRITE,
		[TOUCH_FETCH] = VMXHV_ACCESS_FETCH,
		[TOUCH_DESCRIPTOR] = VMXHV_ACCESS_READ | VMXHV_ACCESS_IMPLICIT,
	};

	if (t->by_user && t->kind != TOUCH_DESCRIPTOR)
		return kinds[t->kind] | VMXHV_ACCESS_USER;
	return kinds[t->kind];
}

/* In each page the accesses of a batch have their own bytes. */
static void new_touch(const struct batch *b, int i)
{
	struct touch *t = &b->touches[i];

	memset(t, 0, sizeof(*t));
	t->kind = 1 + random_below(TOUCH_KINDS - 1);
	t->by_user = one_in(2);
	t->gva = (random_address(b, t->kind) & ~0xfffull) + i * 128 + 8 * random_below(16);
	t->ldt[0] = 0x0000820000000007;
	if (t->kind == TOUCH_DESCRIPTOR) {
		t->ldt[0] |= (t->gva & 0xffffff) << 16 | (t->gva >> 24 & 0xff) << 56;
		t->ldt[1] = t->gva >> 32;
	}
	if (b->tables.paging != NONE)
		tables_add(&b->tables, t->gva);
}

/* What the access finds: the tag, as data, in an instruction, or as a segment's limit. */
static void plant(struct touch *t, uint8_t *at, uint32_t *tag)
{
	uint8_t fetched[8] = { 0xb8, 0, 0, 0, 0, 0x0f, 0x0b };	/* mov $tag, %eax; ud2 */
	uint64_t descriptor;

	*tag = random64() | 1u << 16;
	switch (t->kind) {
	case TOUCH_WRITE:
		t->input = *tag;
		memset(at, 0, 4);
		return;
	case TOUCH_RMW:
		t->input = 1;
		memcpy(at, tag, 4);
		return;
	case TOUCH_READ:
		memcpy(at, tag, 4);
		return;
	case TOUCH_FETCH:
		memcpy(fetched + 1, tag, 4);
		memcpy(at, fetched, 8);
		return;
	case TOUCH_DESCRIPTOR:
		*tag &= 0xfffff;
		descriptor = 0x0000f30000000000 | (*tag & 0xffff) | (uint64_t)(*tag >> 16) << 48;
		memcpy(at, &descriptor, 8);
		return;
	}
}

/* Where the answer says. RIP tells that it was this access. */
static bool found(const struct touch *t, const uint8_t *at, uint32_t tag)
{
	uint32_t value;

	memcpy(&value, at, 4);
	switch (t->kind) {
	case TOUCH_WRITE:
		return value == tag;
	case TOUCH_RMW:
		return t->eax == tag && value == tag + 1;
	case TOUCH_FETCH:
		return t->eax == tag && (uint32_t)t->rip == (uint32_t)t->gva + 5;
	default:
		return t->eax == tag;
	}
}

static bool agrees(const struct batch *b, int i, const struct vmxhv_translate *a)
{
	const struct touch *t = &b->touches[i];
	const uint8_t *at = a->result == VMXHV_TRANSLATED ? at_gpa(a->gpa) : NULL;

	if (at)
		return t->vector == 6 && !b->mmio[i] && !t->cr2 && found(t, at, b->tags[i]);
	if (a->result != VMXHV_TRANSLATE_FAULT)
		return b->mmio[i] == a->gpa;
	return t->vector == a->vector && t->error == a->error_code && t->cr2 == a->cr2 &&
	       !b->mmio[i];
}

/* ---- both sides --------------------------------------------------------------------------- */

static struct vmxhv_translate translate(uint64_t gva, uint32_t access)
{
	struct vmxhv_translate t = { .size = sizeof(t), .gva = gva, .access = access };
	int ret = call(c.fd, VMXHV_TRANSLATE, &t);

	if (ret)
		tap_bail("TRANSLATE: %s: %.96s", strerror(-ret), last_error(c.fd).text);
	return t;
}

/* Each right that an answer gives or not is what the other access would have got. */
static void check_rights(const struct touch *t, const struct vmxhv_translate *a)
{
	static const uint32_t rights[] = {
		VMXHV_ACCESS_READ, VMXHV_ACCESS_WRITE, VMXHV_ACCESS_FETCH,
	};
	uint32_t who = access_of(t) & VMXHV_ACCESS_USER;

	for (int i = 0; i < 3; i++) {
		bool allowed = translate(t->gva, rights[i] | who).result == VMXHV_TRANSLATED;

		if (allowed == !!(a->rights & rights[i]))
			continue;
		tap_note("gva %#" PRIx64 " rights %#x, but access %#x is %s", t->gva, a->rights,
			 rights[i] | who, allowed ? "allowed" : "refused");
		seen.rights_right = false;
	}
}

/*
 * The one exclusion. Bochs 2.7 lets EFLAGS.AC suspend SMAP for the CPU's own accesses, too, where
 * the SDM ("Determination of Access Rights") has it for explicit ones only: an implicit read of a
 * user-mode page with SMAP and AC set is #PF with error code 1. There the guest may also do what
 * TRANSLATE says of the explicit read.
 */
static void ask_as_emulated(struct batch *b, int i)
{
	const struct touch *t = &b->touches[i];
	const struct vmxhv_translate *a = &b->answers[i];
	bool ac = (b->tables.cr4 & CR4_SMAP) && (b->tables.rflags & RFLAGS_AC);

	if (t->kind == TOUCH_DESCRIPTOR && ac && a->result == VMXHV_TRANSLATE_FAULT &&
	    a->vector == 14 && a->error_code == 1)
		b->emulated[i] = translate(t->gva, VMXHV_ACCESS_READ);
}

static void ask(struct batch *b)
{
	memcpy(before, m.ram + TABLES, sizeof(before));
	for (int i = 0; i < b->count; i++) {
		struct touch *t = &b->touches[i];
		const struct vmxhv_translate *a = &b->answers[i];
		uint8_t *at;

		b->answers[i] = translate(t->gva, access_of(t));
		ask_as_emulated(b, i);
		if (b->emulated[i].size)
			a = &b->emulated[i];
		if (a->result != VMXHV_TRANSLATED)
			continue;
		if (t->kind != TOUCH_DESCRIPTOR)
			check_rights(t, a);
		at = at_gpa(a->gpa);
		if (at)
			plant(t, at, &b->tags[i]);
	}
	seen.flags_stayed &= !memcmp(before, m.ram + TABLES, sizeof(before));
}

static void set_registers(const struct batch *b)
{
	/* after ESP0; half of RSP0 in 64-bit mode */
	const uint32_t ss0 = b->tables.paging == LONG ? 0 : SEL_DATA;
	struct vmxhv_gprs gprs;
	struct vmxhv_segment user = { .selector = SEL_USER_DATA, .access = 0xc0f3, .limit = ~0u };
	struct vmxhv_sregs s;

	cpu_start(&c, b->tables.paging == LONG ? MODE_LONG : MODE_PROTECTED,
		  b->tables.paging == LONG ? START64 : START32);
	get_group(&c, VMXHV_STATE_SREGS, &s, sizeof(s));
	get_group(&c, VMXHV_STATE_GPRS, &gprs, sizeof(gprs));
	s.ds = user;
	s.es = user;
	s.gdtr.limit = SEL_LDT + 15;
	memcpy(m.ram + TSS_BASE + 8, &ss0, sizeof(ss0));
	s.cr0 = b->tables.cr0;
	s.cr3 = b->tables.cr3;
	s.cr4 = b->tables.cr4;
	s.efer = b->tables.efer;
	memcpy(s.pdpte, b->tables.pdpte, sizeof(s.pdpte));
	gprs.rflags |= b->tables.rflags;
	if (set_group(&c, VMXHV_STATE_SREGS, &s, sizeof(s)) ||
	    set_group(&c, VMXHV_STATE_GPRS, &gprs, sizeof(gprs)))
		tap_bail("SET_STATE: %.96s", last_error(c.fd).text);
}

/* No memory there: the guest goes on as if the access had ended well. */
static void met_nothing(struct batch *b)
{
	struct vmxhv_exit_mmio *mmio = &c.run->u.mmio;
	uint64_t i = (c.run->gprs.gpr[3] - TOUCHES) / TOUCH_SIZE;

	if (i >= (uint64_t)b->count)
		tap_bail("RBX is %#llx", (unsigned long long)c.run->gprs.gpr[3]);
	b->mmio[i] = mmio->gpa;
	mmio->completion = VMXHV_MMIO_FAULT;
	mmio->fault_vector = 6;
}

static void touch(struct batch *b)
{
	int ret;

	memset(b->mmio, 0, sizeof(b->mmio));
	c.run->wanted = VMXHV_GROUP_GPRS;
	while ((ret = run_guest(&c)) == VMXHV_EXIT_MMIO)
		met_nothing(b);
	if (ret == VMXHV_EXIT_NONE)
		return;
	if (ret > 0)
		note_exit(&c);
	tap_bail("the guest of a batch did not come to its end: %d", ret);
}

/* ---- batches ------------------------------------------------------------------------------ */

static void new_batch(struct batch *b, int count)
{
	*b = (struct batch){ .count = count, .touches = (struct touch *)(m.ram + TOUCHES) };
	tables_new(&b->tables, m.ram);
	for (int i = 0; i < count; i++)
		new_touch(b, i);
	if (count < MAX_TOUCHES)
		b->touches[count].kind = 0;
}

static void note_disagreement(const struct batch *b, int i)
{
	const struct vmxhv_translate *a = &b->answers[i];
	const struct touch *t = &b->touches[i];
	const struct tables *s = &b->tables;

	if (seen.disagreed++ >= 10)
		return;
	tap_note("%s, %s at CPL %d of %#" PRIx64 "; CR0 %#" PRIx64 " CR4 %#" PRIx64 " EFER %#"
		 PRIx64 " RFLAGS %#" PRIx64, paging_names[s->paging], kind_names[t->kind],
		 t->by_user ? 3 : 0, t->gva, s->cr0, s->cr4, s->efer, s->rflags);
	tap_note("  TRANSLATE: result %u gpa %#llx size %#llx rights %#x", a->result, a->gpa,
		 a->page_size, a->rights);
	tap_note("             vector %u error %#x CR2 %#llx", a->vector, a->error_code, a->cr2);
	tap_note("  the CPU: vector %u error %#x CR2 %#" PRIx64 " RIP %#" PRIx64
		 " EAX %#x (wanted %#x), no memory at %#" PRIx64, t->vector, t->error, t->cr2,
		 t->rip, t->eax, b->tags[i], b->mmio[i]);
}

static void count(const struct batch *b, int i)
{
	const struct vmxhv_translate *a = &b->answers[i];
	const struct touch *t = &b->touches[i];

	seen.done[b->tables.paging]++;
	seen.mmio += a->result == VMXHV_TRANSLATED && !at_gpa(a->gpa);
	seen.no_table += a->result == VMXHV_TRANSLATE_NO_TABLE;
	if (a->result == VMXHV_TRANSLATE_FAULT && a->vector == 14)
		seen.faults[b->tables.paging][a->error_code & 31]++;
	else if (a->result == VMXHV_TRANSLATE_FAULT)
		seen.not_canonical++;
	if (a->result != VMXHV_TRANSLATED)
		return;
	seen.kinds[t->kind][t->by_user]++;
	for (int s = 0; s < ARRAY_SIZE(page_sizes); s++)
		seen.pages[b->tables.paging][s] += a->page_size == page_sizes[s].bytes;
}

static void one_batch(int accesses)
{
	static struct batch b;

	new_batch(&b, accesses);
	set_registers(&b);
	ask(&b);
	touch(&b);
	for (int i = 0; i < accesses; i++) {
		if (agrees(&b, i, &b.answers[i]))
			seen.agreed++;
		else if (b.emulated[i].size && agrees(&b, i, &b.emulated[i]))
			seen.excluded++;
		else
			note_disagreement(&b, i);
		count(&b, i);
	}
}

/* ---- what was seen ------------------------------------------------------------------------ */

/* The error codes that a mode can give: 0, and P with R, each with any of W, U and I. */
static bool error_possible(enum paging paging, unsigned int error)
{
	bool fetch = error & 16;

	if (fetch && (error & 2))
		return false;
	if ((error & 8) && !(error & 1))
		return false;
	/* a page that is there refuses the supervisor's reads for SMAP's sake alone */
	if (error == 1)
		return paging_cpu.smap;
	return !fetch || paging_cpu.smep || (paging_cpu.nx && paging != NARROW);
}

static void expect_faults(enum paging paging)
{
	int missing = 0;

	for (unsigned int e = 0; e < 32; e++) {
		bool possible = error_possible(paging, e);

		if (possible && !seen.faults[paging][e])
			tap_note("%s: no #PF with error code %#x", paging_names[paging], e);
		if (!possible && seen.faults[paging][e])
			tap_note("%s: #PF with error code %#x", paging_names[paging], e);
		missing += possible != !!seen.faults[paging][e];
	}
	tap_ok(!missing, "%s: page faults with each error code", paging_names[paging]);
}

static void expect_pages(enum paging paging)
{
	/* bits of page_sizes[] */
	const unsigned int wanted[] = {
		[NONE] = 1, [NARROW] = 1 | 4, [PAE] = 1 | 2,
		[LONG] = 1 | 2 | (paging_cpu.pages_1g ? 8 : 0),
	};
	unsigned int sizes = 0;

	for (int s = 0; s < ARRAY_SIZE(page_sizes); s++) {
		sizes |= seen.pages[paging][s] ? 1u << s : 0;
		if (seen.pages[paging][s])
			tap_note("%s: %d in pages of %s", paging_names[paging],
				 seen.pages[paging][s], page_sizes[s].name);
	}
	tap_ok(sizes == wanted[paging], "%s: pages of each size", paging_names[paging]);
}

static void expect_kinds(void)
{
	bool all = true;

	for (int k = 1; k < TOUCH_KINDS; k++) {
		tap_note("%s: %d went well at CPL 0, %d at CPL 3", kind_names[k], seen.kinds[k][0],
			 seen.kinds[k][1]);
		all = all && seen.kinds[k][0] && seen.kinds[k][1];
	}
	tap_ok(all, "each kind of access went well at CPL 0 and 3");
}

static void set_up(void)
{
	uint64_t user_page;

	machine_create(&m, RAM_SIZE);
	high = mmap(NULL, HIGH_SIZE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (high == MAP_FAILED)
		tap_bail("no room for 1 GiB of addresses");
	madvise(high, HIGH_SIZE, MADV_NOHUGEPAGE);
	machine_map(&m, HIGH, high, HIGH_SIZE, 0);
	load_guest(&m, "translate");
	memcpy(&user_page, m.ram + GUEST_BASE + 8 * USER_PAGE, 8);
	/* INT3: what is fetched from a wrong place comes back */
	memset(m.ram + FRAMES, 0xcc, NR_FRAMES * 4096);
	paging_own_pages(m.ram, user_page);
	cpu_create(&m, &c, 0);
}

int main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	int total = argc > 2 ? atoi(argv[2]) : 10000;
	double start;

	paging_look_at_cpu();
	set_up();
	random_seed(seed);
	seen.flags_stayed = true;
	seen.rights_right = true;
	tap_note("seed %" PRIu64 ", %d accesses", seed, total);
	alarm(25 + total / 500);
	start = cpu_seconds();
	for (int done = 0; done < total; done += MAX_TOUCHES)
		one_batch(total - done < MAX_TOUCHES ? total - done : MAX_TOUCHES);
	tap_note("%.1f s of CPU", cpu_seconds() - start);

	tap_note("%d as Bochs does them: see ask_as_emulated()", seen.excluded);
	tap_ok(seen.agreed + seen.excluded == total, "TRANSLATE and the CPU agree on %d accesses",
	       total);
	tap_ok(seen.flags_stayed, "TRANSLATE left all tables as they were");
	tap_ok(seen.rights_right, "its rights are what each access would get");
	for (enum paging p = NONE; p < PAGINGS; p++) {
		tap_note("%s: %d accesses", paging_names[p], seen.done[p]);
		expect_pages(p);
		if (p != NONE)
			expect_faults(p);
	}
	expect_kinds();
	tap_note("%d not canonical, %d to no memory, %d with a table in no memory",
		 seen.not_canonical, seen.mmio, seen.no_table);
	tap_ok(seen.not_canonical && seen.mmio && seen.no_table, "and each other end was seen");
	cpu_destroy(&c);
	machine_destroy(&m);
	return tap_done();
}
