// SPDX-License-Identifier: GPL-2.0-only
/* VMXHV_TRANSLATE: where a linear address of the guest leads. */
#include <linux/errno.h>
#include <asm/trapnr.h>

#include "ioctl/ioctl.h"
#include "vcpu/cpu.h"
#include "vcpu/memory.h"
#include "vcpu/vcpu.h"
#include "vcpu/x86.h"

#define ACCESS_KIND	(VMXHV_ACCESS_READ | VMXHV_ACCESS_WRITE | VMXHV_ACCESS_FETCH)
#define FLAGS_EXCLUSIVE	(VMXHV_TRANSLATE_SET_FLAGS | VMXHV_TRANSLATE_ONES)
#define ACCESS_ALL	(ACCESS_KIND | VMXHV_ACCESS_USER | VMXHV_ACCESS_IMPLICIT)

static_assert(VMXHV_ACCESS_READ == WALK_READ);
static_assert(VMXHV_ACCESS_WRITE == WALK_WRITE);
static_assert(VMXHV_ACCESS_FETCH == WALK_FETCH);
static_assert(VMXHV_ACCESS_USER == WALK_USER);
static_assert(VMXHV_ACCESS_IMPLICIT == WALK_IMPLICIT);

static int refuse_access(struct vmxhv_error *err, u32 access, u32 wanted, const char *text)
{
	return refuse_arg(err, -EINVAL, vmxhv_translate, access, access, wanted, "%s", text);
}

/**
 * vcpu_translate_check() - VMXHV_TRANSLATE: what can be said of its argument alone
 * @r: the call; struct vmxhv_translate
 *
 * Context: Any.
 * Return: 0, -EINVAL: no such access, or flags that exclude each other.
 */
int vcpu_translate_check(struct request *r)
{
	const struct vmxhv_translate *t = r->arg;
	u32 kind = t->access & ACCESS_KIND;

	if (t->access & ~ACCESS_ALL)
		return refuse_access(r->err, t->access, ACCESS_ALL, "unknown bit of an access");
	if (!kind)
		return refuse_access(r->err, t->access, ACCESS_KIND,
				     "neither read, write nor fetch");
	if (kind & VMXHV_ACCESS_FETCH && kind != VMXHV_ACCESS_FETCH)
		return refuse_access(r->err, t->access, VMXHV_ACCESS_FETCH,
				     "a fetch neither reads nor writes data");
	if (t->access & VMXHV_ACCESS_IMPLICIT &&
	    t->access & (VMXHV_ACCESS_FETCH | VMXHV_ACCESS_USER))
		return refuse_access(r->err, t->access, VMXHV_ACCESS_IMPLICIT,
				     "an implicit access is the supervisor's, to data");
	if ((t->flags & FLAGS_EXCLUSIVE) == FLAGS_EXCLUSIVE)
		return refuse_arg(r->err, -EINVAL, vmxhv_translate, flags, t->flags,
				  VMXHV_TRANSLATE_SET_FLAGS,
				  "no flags are set in what is not there");
	return 0;
}

static void put_fault(struct vmxhv_translate *t, u32 vector, u32 error_code)
{
	t->result = VMXHV_TRANSLATE_FAULT;
	t->vector = vector;
	t->error_code = error_code;
}

/* What the walk said, in the interface's words. 0 or -errno. */
static int put_result(struct vmxhv_translate *t, int ret, const struct walk_result *walk)
{
	switch (ret) {
	case 0:
		t->result = VMXHV_TRANSLATED;
		t->gpa = walk->gpa;
		t->page_size = walk->page_size;
		t->rights = walk->rights;
		return 0;
	case 1:
		put_fault(t, X86_TRAP_PF, walk->fault_error);
		t->cr2 = walk->linear;
		return 0;
	case -EINVAL:
		put_fault(t, X86_TRAP_GP, 0);
		return 0;
	case -EFAULT:
		t->result = VMXHV_TRANSLATE_NO_TABLE;
		t->gpa = walk->gpa;
		return 0;
	}
	return ret;
}

/**
 * vcpu_translate_call() - VMXHV_TRANSLATE: what an access to a linear address would do
 * @r: the call; struct vmxhv_translate
 *
 * Guests have neither 5-level paging, protection keys nor shadow stacks, so that these do not come
 * into it.
 *
 * Context: Process context; vCPU loaded, may sleep for the guest's tables. SDM: "Paging".
 * Return: 0, also for an access that faults; -EINVAL (no such access), -EBUSY, -EIO (not the
 * caller's).
 */
int vcpu_translate_call(struct request *r)
{
	struct vmxhv_translate *t = r->arg;
	struct walk_result walk = {};
	struct vcpu *v = loaded_vcpu(r);
	int ret;

	if (t->flags & VMXHV_TRANSLATE_ONES)
		ret = vcpu_probe_ones(v, t->gva, t->access, &walk);
	else if (t->flags & VMXHV_TRANSLATE_SET_FLAGS)
		ret = vcpu_translate(v, t->gva, t->access, &walk);
	else
		ret = vcpu_probe(v, t->gva, t->access, &walk);

	*t = (struct vmxhv_translate){
		.size = t->size, .flags = t->flags, .gva = t->gva, .access = t->access,
	};
	if (!ret && t->flags & VMXHV_TRANSLATE_SET_FLAGS && t->access & VMXHV_ACCESS_WRITE)
		memory_log_write(&v->vm->memory, walk.gpa, 1);
	if (!ret && t->flags & VMXHV_TRANSLATE_MEMORY)
		walk.rights |= VMXHV_ON_MEMORY(memory_rights(v->vm, walk.gpa));
	return put_result(t, ret, &walk);
}
