// SPDX-License-Identifier: GPL-2.0-only
/*
 * ELF and Multiboot images: what a good one gives, and one refusal for each thing that can be wrong
 * with it. Then many headers with random bytes: whatever is accepted is copied as the loader would.
 */
#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "image.h"
#include "multiboot.h"
#include "tap.h"

#define MIB		BIT_ULL(20)
#define RAM_END		(16 * MIB)
#define FILE_SIZE	0x1000
#define CODE_AT		0x200		/* in the file: the first segment, the second follows */
#define CODE_SIZE	0x100
#define INFO_GPA	0x1000
#define HEADER_AT	0x210		/* Multiboot's, in the first segment */

static const struct room_range ram[] = { { 0, 0x9fc00, NULL }, { MIB, RAM_END, NULL } };
static const struct room_range taken[] = { { 0x500, 0x600, "GDT" } };
static const struct room room = { ram, taken, ARRAY_SIZE(ram), ARRAY_SIZE(taken) };

/* ---- images that are good but for one thing ------------------------------------------------ */

struct multiboot_fields {
	uint32_t magic, flags, checksum, header, load, load_end, bss_end, entry;
};

enum kind { ELF64, ELF32, MULTIBOOT_ELF, MULTIBOOT_RAW };

struct sample {
	uint8_t bytes[FILE_SIZE];
	size_t size;
	enum kind kind;
	Elf64_Ehdr elf;
	Elf64_Phdr program[2];
	struct multiboot_fields mb;
};

static struct sample good(enum kind kind)
{
	struct sample sample = {
		.size = FILE_SIZE, .kind = kind,
		.elf = {
			.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
			.e_type = ET_EXEC, .e_machine = EM_X86_64, .e_version = EV_CURRENT,
			.e_entry = MIB + 0x40, .e_phoff = sizeof(Elf64_Ehdr),
			.e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 2,
		},
		.program = {
			{ .p_type = PT_LOAD, .p_offset = CODE_AT, .p_paddr = MIB,
			  .p_filesz = CODE_SIZE, .p_memsz = CODE_SIZE },
			{ .p_type = PT_LOAD, .p_offset = CODE_AT + CODE_SIZE, .p_paddr = 2 * MIB,
			  .p_filesz = 0x80, .p_memsz = 0x2000 },
		},
		.mb = {
			.magic = 0x1badb002, .flags = kind == MULTIBOOT_RAW ? 0x10003 : 3,
			.header = MIB + HEADER_AT - CODE_AT, .load = MIB,
			.load_end = MIB + CODE_SIZE, .bss_end = MIB + 0x3000, .entry = MIB + 0x40,
		},
	};

	if (kind == ELF32 || kind == MULTIBOOT_ELF) {
		sample.elf.e_ident[EI_CLASS] = ELFCLASS32;
		sample.elf.e_machine = EM_386;
		sample.elf.e_phentsize = sizeof(Elf32_Phdr);
		sample.elf.e_phoff = sizeof(Elf32_Ehdr);
	}
	return sample;
}

static void write_elf32(struct sample *s)
{
	Elf32_Ehdr elf = {
		.e_type = s->elf.e_type, .e_machine = s->elf.e_machine,
		.e_version = s->elf.e_version, .e_entry = s->elf.e_entry,
		.e_phoff = s->elf.e_phoff, .e_phentsize = s->elf.e_phentsize,
		.e_phnum = s->elf.e_phnum,
	};
	unsigned int i;

	memcpy(elf.e_ident, s->elf.e_ident, sizeof(elf.e_ident));
	memcpy(s->bytes, &elf, sizeof(elf));
	for (i = 0; i < 2; i++) {
		const Elf32_Phdr program = {
			.p_type = s->program[i].p_type, .p_offset = s->program[i].p_offset,
			.p_paddr = s->program[i].p_paddr, .p_filesz = s->program[i].p_filesz,
			.p_memsz = s->program[i].p_memsz,
		};

		memcpy(s->bytes + sizeof(elf) + i * sizeof(program), &program, sizeof(program));
	}
}

static void write_sample(struct sample *s)
{
	memset(s->bytes + CODE_AT, 0x90, 0x180);
	if (s->elf.e_ident[EI_CLASS] == ELFCLASS32) {
		write_elf32(s);
	} else {
		memcpy(s->bytes, &s->elf, sizeof(s->elf));
		memcpy(s->bytes + sizeof(s->elf), s->program, sizeof(s->program));
	}
	if (s->kind == MULTIBOOT_RAW)
		memset(s->bytes, 0, CODE_AT);
	if (s->kind >= MULTIBOOT_ELF) {
		if (!s->mb.checksum)
			s->mb.checksum = -(s->mb.magic + s->mb.flags);
		memcpy(s->bytes + HEADER_AT, &s->mb, sizeof(s->mb));
	}
}

/* As the loader does it; whatever is accepted must be within @data and @room. */
static int judge(struct image *image, const uint8_t *data, size_t size, struct refusal *why)
{
	struct multiboot header;
	const int found = multiboot_find(&header, data, size, why);
	int err = found < 0 ? found : 0;

	if (!err)
		err = found ? multiboot_parse(image, &header, data, size, why) :
			      elf_parse(image, data, size, why);
	return err ? err : image_fit(image, &room, why);
}

#define FIELD(f)	offsetof(struct sample, f), sizeof(((struct sample *)0)->f)

/* What is wrong: one field of a good image. */
static const struct {
	enum kind kind;
	size_t field, width;
	uint64_t value;
	const char *says;
} bad[] = {
	{ ELF64, FIELD(elf.e_ident[EI_CLASS]), 3,
	  "no ELF file of a known class" },
	{ ELF64, FIELD(elf.e_ident[EI_DATA]), ELFDATA2MSB,
	  "byte order 2" },
	{ ELF64, FIELD(elf.e_ident[EI_VERSION]), 0,
	  "unknown ELF version" },
	{ ELF32, FIELD(elf.e_version), 2,
	  "unknown ELF version" },
	{ ELF64, FIELD(elf.e_machine), EM_AARCH64,
	  "for machine 183, not 62" },
	{ ELF32, FIELD(elf.e_machine), EM_AARCH64,
	  "for machine 183, not 3" },
	{ ELF64, FIELD(elf.e_type), ET_DYN,
	  "of type 3, not a static executable" },
	{ ELF64, FIELD(elf.e_phentsize), 8,
	  "program headers of 8 bytes, not 56" },
	{ ELF32, FIELD(elf.e_phentsize), 8,
	  "program headers of 8 bytes, not 32" },
	{ ELF64, FIELD(elf.e_phoff), -8,
	  "cut short in the program headers" },
	{ ELF64, FIELD(elf.e_phnum), 0xffff,
	  "cut short in the program headers (65535" },
	{ ELF64, FIELD(size), 40,
	  "cut short in the ELF header" },
	{ ELF32, FIELD(size), 40,
	  "cut short in the ELF header" },
	{ ELF64, FIELD(elf.e_phnum), 0,
	  "nothing to load" },
	{ ELF64, FIELD(program[1].p_type), PT_INTERP,
	  "dynamic linker" },
	{ ELF64, FIELD(program[0].p_filesz), CODE_SIZE + 1,
	  "more bytes in the file than in memory" },
	{ ELF64, FIELD(program[0].p_offset), FILE_SIZE - 8,
	  "cut short in the segment at 0x100000" },
	{ ELF64, FIELD(program[0].p_offset), -8,
	  "cut short in the segment" },
	{ ELF64, FIELD(program[1].p_paddr), -0x1000,
	  "wraps around" },
	{ ELF64, FIELD(program[1].p_paddr), RAM_END - 0x1000,
	  "not within the guest's memory" },
	{ ELF32, FIELD(program[1].p_paddr), RAM_END - 0x1000,
	  "not within the guest's memory" },
	{ ELF64, FIELD(program[1].p_paddr), 0xa0000,
	  "not within the guest's memory" },
	{ ELF64, FIELD(program[1].p_paddr), 0x5f0,
	  "on the loader's GDT at 0x500" },
	{ ELF64, FIELD(program[1].p_paddr), MIB + CODE_SIZE - 1,
	  "0x100000 and 0x1000ff overlap" },
	{ ELF64, FIELD(elf.e_entry), 2 * MIB + 0x2000,
	  "entry 0x202000 is in none" },
	{ MULTIBOOT_ELF, FIELD(mb.checksum), 1,
	  "checksum of its Multiboot header at 0x210" },
	{ MULTIBOOT_RAW, FIELD(mb.checksum), 1,
	  "checksum of its Multiboot header at 0x210" },
	{ MULTIBOOT_ELF, FIELD(mb.flags), 0x10007,
	  "flags 0x4:" },
	{ MULTIBOOT_ELF, FIELD(elf.e_type), ET_DYN,
	  "of type 3, not a static executable" },
	{ MULTIBOOT_RAW, FIELD(mb.flags), 3,
	  "no addresses, and it is no ELF" },
	{ MULTIBOOT_RAW, FIELD(mb.load), MIB + HEADER_AT - CODE_AT + 4,
	  "below the load address" },
	{ MULTIBOOT_RAW, FIELD(mb.load), MIB - CODE_AT - 4,
	  "before the file's start" },
	{ MULTIBOOT_RAW, FIELD(mb.load_end), MIB + FILE_SIZE,
	  "cut short: its Multiboot load end" },
	{ MULTIBOOT_RAW, FIELD(mb.load_end), MIB - 1,
	  "load end 0xfffff is below" },
	{ MULTIBOOT_RAW, FIELD(mb.bss_end), MIB + 1,
	  "bss end 0x100001 is below" },
	{ MULTIBOOT_RAW, FIELD(size), HEADER_AT + 16,
	  "cut short in the Multiboot header" },
	{ MULTIBOOT_RAW, FIELD(mb.bss_end), RAM_END + 1,
	  "not within the guest's memory" },
	{ MULTIBOOT_RAW, FIELD(mb.entry), MIB - 1,
	  "entry 0xfffff is in none" },
};

static void test_refusals(struct tap *t)
{
	struct refusal why;
	struct image image;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		struct sample s = good(bad[i].kind);

		why.text[0] = '\0';
		memcpy((uint8_t *)&s + bad[i].field, &bad[i].value, bad[i].width);
		write_sample(&s);
		if (!tap(t, judge(&image, s.bytes, s.size, &why) &&
			 strstr(why.text, bad[i].says), bad[i].says))
			printf("# it says: %s\n", why.text);
	}
}

static void test_good(struct tap *t)
{
	static const char *const names[] = { "ELF64", "ELF32", "Multiboot in ELF32" };
	struct refusal why;
	struct image image;
	unsigned int kind;
	struct sample s;

	for (kind = ELF64; kind <= MULTIBOOT_ELF; kind++) {
		s = good(kind);
		write_sample(&s);
		tap(t, !judge(&image, s.bytes, s.size, &why) && image.count == 2 &&
		    image.entry == MIB + 0x40 && image.segment[0].gpa == MIB &&
		    image.segment[0].data == s.bytes + CODE_AT &&
		    image.segment[1].size == 0x2000 && image.segment[1].filled == 0x80 &&
		    image.is_64bit == (kind == ELF64), names[kind]);
		tap_eq(t, image_end(&image), 2 * MIB + 0x2000, "its end");
	}
	s = good(ELF64);
	s.program[1].p_memsz = 0;
	s.program[1].p_filesz = 0;
	s.program[1].p_paddr = -1;
	write_sample(&s);
	tap(t, !judge(&image, s.bytes, s.size, &why) && image.count == 1,
	    "an empty segment may be anywhere");
	s = good(MULTIBOOT_RAW);
	write_sample(&s);
	tap(t, !judge(&image, s.bytes, s.size, &why) && image.count == 1 &&
	    image.segment[0].data == s.bytes + CODE_AT && image.segment[0].filled == CODE_SIZE &&
	    image.segment[0].size == 0x3000, "Multiboot by addresses");
	s = good(MULTIBOOT_RAW);
	s.mb.load_end = 0;
	s.mb.bss_end = 0;
	write_sample(&s);
	tap(t, !judge(&image, s.bytes, s.size, &why) &&
	    image.segment[0].filled == FILE_SIZE - CODE_AT &&
	    image.segment[0].size == FILE_SIZE - CODE_AT, "to the end of the file, no bss");
}

/* The header must be at a multiple of four, and within the first 8 KiB. */
static void test_search(struct tap *t)
{
	static const struct {
		size_t at;
		int found;
	} places[] = { { 0, 1 }, { 4, 1 }, { 6, 0 }, { 8180, 1 }, { 8184, 0 }, { 8192, 0 } };
	static const uint32_t header[] = { 0x1badb002, 3, -(0x1badb002u + 3) };
	static uint8_t bytes[12288];
	struct multiboot found;
	struct refusal why;
	unsigned int i;
	char name[64];

	for (i = 0; i < ARRAY_SIZE(places); i++) {
		memset(bytes, 0, sizeof(bytes));
		memcpy(bytes + places[i].at, header, sizeof(header));
		snprintf(name, sizeof(name), "a Multiboot header at %zu", places[i].at);
		tap(t, multiboot_find(&found, bytes, sizeof(bytes), &why) == places[i].found,
		    name);
	}
}

/* ---- what a Multiboot image is handed ------------------------------------------------------ */

static uint32_t word(const uint8_t *area, unsigned int offset)
{
	uint32_t value;

	memcpy(&value, area + offset, sizeof(value));
	return value;
}

/* What is at the guest's address in the area. */
static const uint8_t *at_gpa(const uint8_t *area, uint32_t gpa)
{
	return area + (gpa - INFO_GPA);
}

static bool text_at(const uint8_t *area, uint32_t gpa, const char *text)
{
	return !strcmp((const char *)at_gpa(area, gpa), text);
}

/* Where the loader's own things go: beside the image, wherever that lies. */
static void test_gap(struct tap *t)
{
	static const struct room_range modules[] = {
		{ 0x500, 0x600, "GDT" }, { MIB, 2 * MIB, "modules" },
	};
	const struct room full = { ram, modules, ARRAY_SIZE(ram), ARRAY_SIZE(modules) };
	struct image image = { .count = 1, .segment = { { .gpa = 4 * MIB, .size = MIB } } };

	tap_eq(t, image_gap(&image, &room, 0x1000, 0x2000, 0x1000), 0x1000,
	       "gap: where it is wanted");
	tap_eq(t, image_gap(&image, &room, 0x500, 0x28, 8), 0x600, "gap: behind what is taken");
	tap_eq(t, image_gap(&image, &room, 0x600, 0x28, 0x1000), 0x1000, "gap: aligned");
	image.segment[0] = (struct segment){ .gpa = 0, .size = 0x8001 };
	tap_eq(t, image_gap(&image, &room, 0x1000, 0x2000, 0x1000), 0x9000,
	       "gap: behind the image");
	image.segment[0] = (struct segment){ .gpa = 0x3000, .size = 0x1000 };
	tap_eq(t, image_gap(&image, &room, 0x1000, 0x2000, 0x1000), 0x1000, "gap: below it");
	tap_eq(t, image_gap(&image, &room, 0x1000, 0x2001, 0x1000), 0x4000,
	       "gap: a byte too long for that");
	image.count = 2;
	image.segment[1] = (struct segment){ .gpa = 0x5000, .size = 0x1000 };
	tap_eq(t, image_gap(&image, &room, 0x1000, 0x2001, 0x1000), 0x6000,
	       "gap: not between two segments");
	tap_eq(t, image_gap(&image, &room, 0x1000, 0x1000, 0x1000), 0x1000,
	       "gap: the lowest of several");
	image.segment[0] = (struct segment){ .gpa = 0, .size = 0x9fc00 };
	tap_eq(t, image_gap(&image, &room, 0x1000, 0x1000, 0x1000), MIB, "gap: from 1 MiB on");
	tap_eq(t, image_gap(&image, &full, 0x1000, 0x1000, 0x1000), 2 * MIB,
	       "gap: behind the modules");
	image.segment[1] = (struct segment){ .gpa = MIB, .size = RAM_END - MIB - 0xfff };
	tap_eq(t, image_gap(&image, &room, 0x1000, 0x1000, 0x1000), 0, "gap: none");
	tap_eq(t, image_gap(&image, &room, 0x1000, 0x1000, 1), 0, "gap: a byte too short");
	tap_eq(t, image_gap(&image, &room, 0x1000, 0xfff, 1), RAM_END - 0xfff,
	       "gap: to the last byte");
}

static void test_info(struct tap *t)
{
	static const struct memory_range map[] = {
		{ 0, 0x9fc00, MEMORY_RAM }, { 0x9fc00, 0xa0000, MEMORY_RESERVED },
		{ MIB, RAM_END, MEMORY_RAM }, { BIT_ULL(32), 0x1c0000000, MEMORY_RAM },
	};
	static const struct multiboot_module modules[] = {
		{ 0x200000, 0x200123, "one a b" }, { 0x201000, 0x201000, "two" },
	};
	const struct multiboot_facts facts = {
		.command_line = "the line", .loader = "me", .map = map, .map_count = 4,
		.module = modules, .module_count = 2,
	};
	uint8_t area[512];
	const size_t used = multiboot_info(area, sizeof(area), INFO_GPA, &facts);
	const uint8_t *entry;
	size_t size, refused = 0;

	tap_eq(t, word(area, 0), 0x24d, "info: what is valid");
	tap(t, word(area, 4) == 639 && word(area, 8) == 15 * 1024, "info: mem_lower, mem_upper");
	tap(t, text_at(area, word(area, 16), "the line"), "info: command line");
	tap(t, text_at(area, word(area, 64), "me"), "info: loader");
	tap_eq(t, word(area, 44), 4 * 24, "info: length of the map");
	entry = at_gpa(area, word(area, 48)) + 3 * 24;
	tap(t, word(entry, 0) == 20 && word(entry, 4) == 0 && word(entry, 8) == 1 &&
	    word(entry, 12) == 0xc0000000 && word(entry, 16) == 0 && word(entry, 20) == 1,
	    "info: memory above 4 GiB");
	tap_eq(t, word(area, 20), 2, "info: two modules");
	entry = at_gpa(area, word(area, 24));
	tap(t, word(entry, 0) == 0x200000 && word(entry, 4) == 0x200123 &&
	    text_at(area, word(entry, 8), "one a b"), "info: a module");
	tap(t, word(entry, 16) == word(entry, 20) &&
	    text_at(area, word(entry, 24), "two"), "info: an empty one");
	for (size = 0; size < used; size++)
		refused += !multiboot_info(area, size, INFO_GPA, &facts);
	tap_eq(t, refused, used, "info: refused in every smaller area");
}

/* ---- random headers ------------------------------------------------------------------------ */

#define ROUNDS	200000

static uint64_t random_state = 1;

static uint32_t random32(void)
{
	random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
	return random_state >> 32;
}

/* Some bytes of the headers, in widths up to a word, biased to what makes sums wrap. */
static void mutate(uint8_t *bytes)
{
	static const uint32_t likely[] = { 0, 1, 0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff };
	unsigned int n = random32() % 4 + 1;

	while (n--) {
		const unsigned int at = random32() % (random32() % 2 ? 184 : HEADER_AT + 32);
		const uint32_t value = random32() % 2 ? random32() :
						    likely[random32() % ARRAY_SIZE(likely)];

		memcpy(bytes + at, &value, random32() % 4 + 1);
	}
}

/* The file ends where memory ends, so that reading beyond is a crash. */
static uint8_t *end_of_memory(void)
{
	uint8_t *map = mmap(NULL, 2 * FILE_SIZE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (map == MAP_FAILED || mprotect(map + FILE_SIZE, FILE_SIZE, PROT_NONE))
		exit(1);
	return map + FILE_SIZE;
}

static void test_random(struct tap *t)
{
	static uint8_t memory[RAM_END];
	unsigned int i, k, accepted = 0, wordless = 0;
	uint8_t *end = end_of_memory();
	struct refusal why;
	struct image image;

	for (i = 0; i < ROUNDS; i++) {
		struct sample s = good(random32() % 4);
		const size_t size = random32() % 4 ? FILE_SIZE : random32() % (FILE_SIZE + 1);

		write_sample(&s);
		mutate(s.bytes);
		memcpy(end - size, s.bytes, size);
		why.text[0] = '\0';
		if (judge(&image, end - size, size, &why)) {
			wordless += !why.text[0] || strchr(why.text, '\n');
			continue;
		}
		accepted++;
		for (k = 0; k < image.count; k++)
			memcpy(memory + image.segment[k].gpa, image.segment[k].data,
			       image.segment[k].filled);
	}
	printf("# %u of %u accepted\n", accepted, ROUNDS);
	tap(t, accepted > ROUNDS / 4 && accepted < ROUNDS * 3 / 4,
	    "random headers: good and bad ones");
	tap_eq(t, wordless, 0, "random headers: each refusal has its line");
}

int main(void)
{
	struct tap t = { 0 };

	test_good(&t);
	test_refusals(&t);
	test_search(&t);
	test_gap(&t);
	test_info(&t);
	test_random(&t);
	return tap_end(&t);
}
