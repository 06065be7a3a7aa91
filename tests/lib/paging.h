/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random page tables of every paging mode, in a guest of which the first 64 KiB are mapped for its
 * own use: what is found there, and whether at all, is left to chance.
 */
#ifndef TESTS_PAGING_H
#define TESTS_PAGING_H

#include <stdbool.h>
#include <stdint.h>

/* guest-physical memory beside what machine.h says */
#define OWN_TABLES	0x20000		/* the guest's own page table, ... */
#define OWN_TABLES32	0x21000		/* ... and the same with 4-byte entries */
#define TABLES		0x100000	/* TABLE_PAGES random ones, see level_tables */
#define TABLE_PAGES	32
#define FRAMES		0x200000	/* 4 KiB pages */
#define NR_FRAMES	256
#define LARGE		0x400000	/* large pages, to the end of RAM */
#define RAM_SIZE	0x1000000
#define HIGH		0x4000000000ull	/* 1 GiB of RAM that needs 39 bits */
#define HIGH_SIZE	0x40000000ull
#define NOWHERE		0x3000000000ull	/* no memory is there, ... */
#define NOWHERE32	0xc0000000ull	/* ... nor there */

#define CR0_WP		0x10000ull
#define CR0_PG		0x80000000ull
#define CR4_PSE		0x10ull
#define CR4_PAE		0x20ull
#define CR4_PGE		0x80ull
#define CR4_SMEP	0x100000ull
#define CR4_SMAP	0x200000ull
#define EFER_NXE	0x800ull
#define RFLAGS_AC	0x40000ull

enum paging { NONE, NARROW, PAE, LONG, PAGINGS };

extern const char *const paging_names[PAGINGS];

/* What the CPU has. */
struct paging_cpu {
	bool nx, smep, smap, pages_1g;
	unsigned int maxphyaddr;
};

extern struct paging_cpu paging_cpu;

/* The registers that decide how tables are read; pdpte are those of PAE paging. */
struct tables {
	enum paging paging;
	uint64_t cr0, cr3, cr4, efer, rflags;
	uint64_t pdpte[4];
	uint8_t *ram;
};

/* The same seed, the same numbers. */
void random_seed(uint64_t seed);
uint64_t random64(void);
unsigned int random_below(unsigned int n);
bool one_in(unsigned int n);

void paging_look_at_cpu(void);
/* the guest's own pages, the supervisor's but for one */
void paging_own_pages(uint8_t *ram, uint64_t user_page);
/* a mode, control bits, and tables that lead to the guest's own pages and nowhere else */
void tables_new(struct tables *t, uint8_t *ram);
/* entries for one address, down to a page or to what is no table */
void tables_add(const struct tables *t, uint64_t gva);

#endif /* TESTS_PAGING_H */
