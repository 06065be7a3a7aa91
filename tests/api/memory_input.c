// SPDX-License-Identifier: GPL-2.0-only
/* MEMORY: each refusal, and that a refused call changes nothing. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "machine.h"
#include "refusal.h"
#include "tap.h"

#define OP(member)	POKE_AT(vmxhv_mem_op, member, VMXHV_ERR_MEM_OP)
#define MB		0x100000

static const struct poke arg_pokes[] = {
	{ "reserved", POKE_ARG(vmxhv_memory, reserved), 1, EINVAL },
	{ "no operation", POKE_ARG(vmxhv_memory, count), 0, EINVAL },
	{ "65 operations", POKE_ARG(vmxhv_memory, count), 65, EINVAL },
	{ "bad pointer", POKE_ADDRESS(vmxhv_memory, ops), 8, EFAULT },
};

/* into a MAP of one page at 16 MiB */
static const struct poke op_pokes[] = {
	{ "unknown kind", OP(kind), 4, EINVAL },
	{ "unknown flag", OP(flags), 1u << 31, EINVAL },
	{ "gpa not aligned", OP(gpa), 16 * MB + 1, EINVAL },
	{ "gpa beyond the CPU's width", OP(gpa), 1ull << 52, ERANGE },
	{ "gpa wraps", OP(gpa), -4096ull, ERANGE },
	{ "gpa taken", OP(gpa), 0, EEXIST },
	{ "length 0", OP(length), 0, EINVAL },
	{ "length not aligned", OP(length), 4095, EINVAL },
	{ "length wraps", OP(length), -4096ull, ERANGE },
	{ "hva not aligned", OP(hva), 1, EINVAL },
	{ "hva NULL: nothing there", OP(hva), 0, EFAULT },
	{ "hva in the kernel", OP(hva), 0xffff800000000000, EFAULT },
	{ "reserved", .at = offsetof(struct vmxhv_mem_op, reserved), .bytes = 8, .value = 1,
	  .error = EINVAL, .code = VMXHV_ERR_MEM_OP,
	  .item = offsetof(struct vmxhv_mem_op, reserved) },
};

/* into an UNMAP of the page at 0 */
static const struct poke unmap_pokes[] = {
	{ "UNMAP: nothing there", OP(gpa), 64 * MB, ENOENT },
	{ "UNMAP: hva", OP(hva), 4096, EINVAL },
	{ "UNMAP: flags", OP(flags), VMXHV_MEM_READONLY, EINVAL },
	{ "UNMAP: beyond the end", .at = offsetof(struct vmxhv_mem_op, length), .bytes = 8,
	  .value = 2 * MB, .error = ENOENT, .code = VMXHV_ERR_MEM_OP, .item = ANY },
};

static int change(int vm, struct vmxhv_mem_op *ops, uint32_t count)
{
	struct vmxhv_memory mem = {
		.size = sizeof(mem), .count = count, .ops = (uintptr_t)ops,
	};

	return call(vm, VMXHV_MEMORY, &mem);
}

static void all_or_nothing(struct machine *m)
{
	struct vmxhv_mem_op ops[3] = {
		{ .kind = VMXHV_MEM_MAP, .gpa = 32 * MB, .length = 4096,
		  .hva = (uintptr_t)m->ram },
		{ .kind = VMXHV_MEM_UNMAP, .gpa = 0, .length = 4096 },
		{ .kind = VMXHV_MEM_MAP, .gpa = 32 * MB, .length = 4096,
		  .hva = (uintptr_t)m->ram },
	};
	int ret = change(m->vm, ops, 3);

	expect_error(m->vm, ret, EEXIST, VMXHV_ERR_MEM_OP, offsetof(struct vmxhv_mem_op, gpa),
		     NULL, "the third of three is refused");
	tap_equal(last_error(m->vm).index, 2, "GET_ERROR says which");
	tap_equal(change(m->vm, ops, 1), 0, "the first had not been done");
	ops[0].gpa = 0;
	tap_equal(-change(m->vm, ops, 1), EEXIST, "nor the second");
	ops[0].kind = VMXHV_MEM_UNMAP;
	ops[0].gpa = 32 * MB;
	ops[0].hva = 0;
	tap_equal(change(m->vm, ops, 1), 0, "UNMAP");
	tap_equal(-change(m->vm, ops, 1), ENOENT, "and it is gone");
}

/* Device memory and memory that even the kernel may not see are no guest's. */
static void kinds(struct machine *m)
{
	struct vmxhv_mem_op op = { .kind = VMXHV_MEM_MAP, .gpa = 48 * MB, .length = 4096 };
	int fd = open("/dev/mem", O_RDWR);
	void *p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0xfed00000);
	int ret;

	if (fd < 0 || p == MAP_FAILED) {
		tap_skip("device memory is refused", "no /dev/mem: %s", strerror(errno));
		return;
	}
	op.hva = (uintptr_t)p;
	op.flags = VMXHV_MEM_READONLY;
	ret = change(m->vm, &op, 1);
	expect_error(m->vm, ret, EOPNOTSUPP, VMXHV_ERR_MEM_OP,
		     offsetof(struct vmxhv_mem_op, hva), NULL, "device memory is refused");
	munmap(p, 4096);
	close(fd);
}

static void range_limit(struct machine *m)
{
	struct vmxhv_mem_op op = {
		.kind = VMXHV_MEM_MAP, .gpa = 128 * MB, .length = 4096,
		.hva = (uintptr_t)m->ram,
	};
	int n, ret = 0;

	for (n = 0; n < 600 && !ret; n++, op.gpa += 8192)
		ret = change(m->vm, &op, 1);
	expect_error(m->vm, ret, ENOSPC, ANY, ANY, NULL, "too many ranges");
	tap_ok(n >= 500, "%d ranges fit", n);
}

int main(void)
{
	struct vmxhv_mem_op op = { .kind = VMXHV_MEM_MAP, .gpa = 16 * MB, .length = 4096 };
	struct vmxhv_memory mem = { .size = sizeof(mem), .count = 1, .ops = (uintptr_t)&op };
	struct machine m;

	machine_create(&m, MB);
	op.hva = (uintptr_t)m.ram;
	expect_struct_rules(m.vm, VMXHV_MEMORY, &mem, sizeof(mem), "MEMORY");
	expect_refused(m.vm, VMXHV_MEMORY, &mem, &mem, arg_pokes, ARRAY_SIZE(arg_pokes));
	expect_refused(m.vm, VMXHV_MEMORY, &mem, &op, op_pokes, ARRAY_SIZE(op_pokes));
	op = (struct vmxhv_mem_op){ .kind = VMXHV_MEM_UNMAP, .length = 4096 };
	expect_refused(m.vm, VMXHV_MEMORY, &mem, &op, unmap_pokes, ARRAY_SIZE(unmap_pokes));
	all_or_nothing(&m);
	kinds(&m);
	range_limit(&m);
	machine_destroy(&m);
	return tap_done();
}
