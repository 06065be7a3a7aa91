// SPDX-License-Identifier: GPL-2.0-only
/*
 * Judging an ELF executable. Both classes are read into the structures of the wider one, so that
 * there is one set of rules.
 */
#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "image.h"

struct headers {
	const uint8_t *data;
	size_t size;
	bool is_64bit;
	Elf64_Ehdr elf;
};

bool elf_is(const uint8_t *data, size_t size)
{
	return size >= SELFMAG && !memcmp(data, ELFMAG, SELFMAG);
}

static int read_header(struct headers *headers, struct refusal *why)
{
	Elf64_Ehdr *elf = &headers->elf;
	Elf32_Ehdr narrow;

	if (headers->size < sizeof(narrow) ||
	    (headers->is_64bit && headers->size < sizeof(*elf)))
		return refuse(why, "is cut short in the ELF header");
	if (headers->is_64bit) {
		memcpy(elf, headers->data, sizeof(*elf));
		return 0;
	}
	memcpy(&narrow, headers->data, sizeof(narrow));
	*elf = (Elf64_Ehdr){
		.e_type = narrow.e_type, .e_machine = narrow.e_machine,
		.e_version = narrow.e_version, .e_entry = narrow.e_entry,
		.e_phoff = narrow.e_phoff, .e_phentsize = narrow.e_phentsize,
		.e_phnum = narrow.e_phnum,
	};
	return 0;
}

static int check_header(const struct headers *headers, struct refusal *why)
{
	const unsigned int machine = headers->is_64bit ? EM_X86_64 : EM_386;
	const size_t phentsize = headers->is_64bit ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	const Elf64_Ehdr *elf = &headers->elf;

	if (headers->data[EI_DATA] != ELFDATA2LSB)
		return refuse(why, "is an ELF file of byte order %u, not little-endian",
			      headers->data[EI_DATA]);
	if (headers->data[EI_VERSION] != EV_CURRENT || elf->e_version != EV_CURRENT)
		return refuse(why, "is of an unknown ELF version");
	if (elf->e_machine != machine)
		return refuse(why, "is an ELF file for machine %u, not %u (x86 of %u bits)",
			      elf->e_machine, machine, headers->is_64bit ? 64 : 32);
	if (elf->e_type != ET_EXEC)
		return refuse(why, "is an ELF file of type %u, not a static executable (%u)",
			      elf->e_type, ET_EXEC);
	if (elf->e_phentsize != phentsize)
		return refuse(why, "has program headers of %u bytes, not %zu", elf->e_phentsize,
			      phentsize);
	if (elf->e_phoff > headers->size ||
	    elf->e_phnum > (headers->size - elf->e_phoff) / phentsize)
		return refuse(why, "is cut short in the program headers (%u at %#" PRIx64 ")",
			      elf->e_phnum, elf->e_phoff);
	return 0;
}

/* The caller has checked that it is there. */
static Elf64_Phdr program_header(const struct headers *headers, unsigned int index)
{
	const uint8_t *at = headers->data + headers->elf.e_phoff +
			    (size_t)index * headers->elf.e_phentsize;
	Elf32_Phdr narrow;
	Elf64_Phdr wide;

	if (headers->is_64bit) {
		memcpy(&wide, at, sizeof(wide));
		return wide;
	}
	memcpy(&narrow, at, sizeof(narrow));
	return (Elf64_Phdr){
		.p_type = narrow.p_type, .p_offset = narrow.p_offset, .p_paddr = narrow.p_paddr,
		.p_filesz = narrow.p_filesz, .p_memsz = narrow.p_memsz,
	};
}

static int add_load(struct image *image, const struct headers *headers, const Elf64_Phdr *program,
		    struct refusal *why)
{
	if (program->p_filesz > program->p_memsz)
		return refuse(why, "the segment at %#" PRIx64
			      " has more bytes in the file than in memory", program->p_paddr);
	if (program->p_offset > headers->size ||
	    program->p_filesz > headers->size - program->p_offset)
		return refuse(why, "is cut short in the segment at %#" PRIx64, program->p_paddr);
	return image_add(image, &(struct segment){
		.gpa = program->p_paddr, .size = program->p_memsz,
		.data = headers->data + program->p_offset, .filled = program->p_filesz }, why);
}

int elf_parse(struct image *image, const uint8_t *data, size_t size, struct refusal *why)
{
	struct headers headers = { .data = data, .size = size };
	unsigned int i;
	int err;

	if (!elf_is(data, size) || size <= EI_CLASS ||
	    (data[EI_CLASS] != ELFCLASS32 && data[EI_CLASS] != ELFCLASS64))
		return refuse(why, "is no ELF file of a known class");
	headers.is_64bit = data[EI_CLASS] == ELFCLASS64;
	err = read_header(&headers, why);
	if (!err)
		err = check_header(&headers, why);
	if (err)
		return err;
	*image = (struct image){ .entry = headers.elf.e_entry, .is_64bit = headers.is_64bit };
	for (i = 0; i < headers.elf.e_phnum; i++) {
		const Elf64_Phdr program = program_header(&headers, i);

		if (program.p_type == PT_INTERP)
			return refuse(why, "wants a dynamic linker");
		if (program.p_type == PT_LOAD && add_load(image, &headers, &program, why))
			return -EINVAL;
	}
	return 0;
}
