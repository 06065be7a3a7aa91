// SPDX-License-Identifier: GPL-2.0-only
#include <cpuid.h>
#include <string.h>

#include "paging.h"
#include "tap.h"

#define P		0x1ull
#define W		0x2ull
#define U		0x4ull
#define PS		0x80ull
#define NX		0x8000000000000000ull
#define NOISE		0xf78ull	/* PWT, PCD, A, D, G and what software may use */

/*
 * Tables of each level are a part of the pool, none of which is ever a page. The first of a level
 * leads to the guest's own pages, and only from the first of the level above.
 */
static const struct { unsigned int first, count; } level_tables[] = {
	[4] = { 0, 1 }, [3] = { 1, 4 }, [2] = { 5, 9 }, [1] = { 14, 18 },
};

const char *const paging_names[PAGINGS] = { "no paging", "32-bit", "PAE", "4-level" };

struct paging_cpu paging_cpu;

static uint64_t random_state = 1;

void random_seed(uint64_t seed)
{
	random_state = seed ? seed : 1;
}

/* xorshift64* */
uint64_t random64(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * 0x2545f4914f6cdd1dull;
}

unsigned int random_below(unsigned int n)
{
	return (random64() >> 32) % n;
}

bool one_in(unsigned int n)
{
	return !random_below(n);
}

static unsigned int entry_size(const struct tables *t)
{
	return t->paging == NARROW ? 4 : 8;
}

static unsigned int level_shift(const struct tables *t, int level)
{
	return 12 + (t->paging == NARROW ? 10 : 9) * (level - 1);
}

static bool large_allowed(const struct tables *t, int level)
{
	if (level == 2)
		return t->paging != NARROW || (t->cr4 & CR4_PSE);
	return level == 3 && paging_cpu.pages_1g;
}

static uint64_t first_table(int level)
{
	return TABLES + 4096ull * level_tables[level].first;
}

static uint64_t random_table(int level)
{
	return first_table(level) + 4096ull * (1 + random_below(level_tables[level].count - 1));
}

static uint64_t nowhere(const struct tables *t)
{
	return t->paging == NARROW ? NOWHERE32 : NOWHERE;
}

/* A page of a level's size. */
static uint64_t random_page(const struct tables *t, int level)
{
	uint64_t size = 1ull << level_shift(t, level);

	if (one_in(20))
		return nowhere(t);
	if (level == 3)
		return HIGH;
	if (level == 1 && (t->paging == NARROW || !one_in(4)))
		return FRAMES + 4096ull * random_below(NR_FRAMES);
	if (level == 1 || one_in(2))
		return HIGH + size * random_below(HIGH_SIZE / size);
	return LARGE + size * random_below((RAM_SIZE - LARGE) / size);
}

/* 4 MiB pages have bits 39:32 of their address in 20:13. */
static uint64_t page_bits(const struct tables *t, int level, uint64_t page)
{
	if (t->paging == NARROW && level == 2)
		return (page & 0xffc00000) | (page >> 32 & 0xff) << 13;
	return page;
}

/* Bits that this entry must not have set, or bits that it need not care for. */
static uint64_t random_bits(const struct tables *t, int level, bool large)
{
	const unsigned int width = paging_cpu.maxphyaddr;
	uint64_t bits = random64() & NOISE;

	if (large && one_in(t->paging == NARROW ? 4 : 16))
		bits |= t->paging == NARROW ? 1ull << 21 :
			1ull << (13 + random_below(level_shift(t, level) - 13));
	if (large)
		bits |= random64() & 0x1000;		/* PAT */
	if (level == 1)
		bits |= random64() & PS;		/* PAT, too */
	if (t->paging == NARROW)
		return bits;
	if (t->paging == LONG)
		bits |= random64() & (0x7ffull << 52);
	else if (one_in(24))
		bits |= 1ull << (52 + random_below(11));
	if (one_in(32))
		bits |= 1ull << (width + random_below(52 - width));
	if (one_in(t->efer & EFER_NXE ? 8 : 32))
		bits |= NX;
	return bits;
}

static uint64_t random_entry(const struct tables *t, int level, uint64_t *next)
{
	bool ps = level > 1 && one_in(level == 4 ? 64 : 4);
	bool large = ps && large_allowed(t, level);
	uint64_t entry = P | W | U | random_bits(t, level, large);

	*next = 0;
	if (level == 1 || large)
		entry |= page_bits(t, level, random_page(t, level));
	else if (one_in(40))
		entry |= nowhere(t);
	else
		*next = random_table(level - 1);
	if (one_in(14))
		entry &= ~P;
	if (one_in(6))
		entry &= ~W;
	if (one_in(6))
		entry &= ~U;
	return entry | *next | (ps ? PS : 0);
}

void tables_add(const struct tables *t, uint64_t gva)
{
	int level = t->paging == LONG ? 4 : 2;
	unsigned int size = entry_size(t);
	uint64_t table = t->cr3;

	if (t->paging == PAE)
		table = t->pdpte[gva >> 30] & ~0xfffull;
	for (; table; level--) {
		uint64_t index = gva >> level_shift(t, level) & (4096 / size - 1);
		uint64_t at = table + index * size, entry;

		if (level > 1 && at == first_table(level))
			return;		/* the guest's own */
		entry = random_entry(t, level, &table);
		memcpy(t->ram + at, &entry, size);
	}
}

/* The first 64 KiB are the guest's own, in every mode. */
static void build_own(struct tables *t)
{
	const uint64_t own = t->paging == NARROW ? OWN_TABLES32 : OWN_TABLES;
	unsigned int size = entry_size(t);

	memset(t->ram + TABLES, 0, TABLE_PAGES * 4096);
	for (int level = t->paging == LONG ? 4 : 2; level > 1; level--) {
		uint64_t entry = (level > 2 ? first_table(level - 1) : own) | P | W | U;

		memcpy(t->ram + first_table(level), &entry, size);
	}
	t->cr3 = first_table(t->paging == NARROW ? 2 : 4);
	if (t->paging != PAE)
		return;
	/* what CR3 leads to is no PDPT at all: the registers count */
	t->pdpte[0] = first_table(2) | P;
	for (int i = 1; i < 4; i++)
		t->pdpte[i] = random_table(2) | (random64() & 0xe18) | (one_in(6) ? 0 : P);
}

static uint64_t sometimes(uint64_t bit, bool there)
{
	return there && one_in(2) ? bit : 0;
}

void tables_new(struct tables *t, uint8_t *ram)
{
	const struct paging_cpu *cpu = &paging_cpu;

	/* without paging there is little to find */
	*t = (struct tables){
		.paging = one_in(16) ? NONE : NARROW + random_below(3), .ram = ram,
	};
	t->cr0 = 0x31 | sometimes(CR0_WP, true) | (t->paging == NONE ? 0 : CR0_PG);
	t->cr4 = 0x600 | sometimes(CR4_PSE, true) | sometimes(CR4_PGE, true) |
		 sometimes(CR4_SMEP, cpu->smep) | sometimes(CR4_SMAP, cpu->smap);
	if (t->paging == PAE || t->paging == LONG)
		t->cr4 |= CR4_PAE;
	t->efer = sometimes(EFER_NXE, cpu->nx) | (t->paging == LONG ? 0x500 : 0);
	t->rflags = sometimes(RFLAGS_AC, true);
	if (t->paging != NONE)
		build_own(t);
}

void paging_own_pages(uint8_t *ram, uint64_t user_page)
{
	for (uint32_t i = 0; i < 16; i++) {
		uint64_t entry = i << 12 | P | (i == user_page >> 12 ? U : W);

		memcpy(ram + OWN_TABLES + 8 * i, &entry, 8);
		memcpy(ram + OWN_TABLES32 + 4 * i, &entry, 4);
	}
}

void paging_look_at_cpu(void)
{
	struct paging_cpu *cpu = &paging_cpu;
	unsigned int a, b, c, d;

	if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
		cpu->smep = b & (1u << 7);
		cpu->smap = b & (1u << 20);
	}
	if (__get_cpuid(0x80000001, &a, &b, &c, &d)) {
		cpu->nx = d & (1u << 20);
		cpu->pages_1g = d & (1u << 26);
	}
	cpu->maxphyaddr = __get_cpuid(0x80000008, &a, &b, &c, &d) ? a & 0xff : 36;
	tap_note("MAXPHYADDR %u,%s%s%s%s", cpu->maxphyaddr, cpu->nx ? " NX" : "",
		 cpu->smep ? " SMEP" : "", cpu->smap ? " SMAP" : "",
		 cpu->pages_1g ? " 1G pages" : "");
}
