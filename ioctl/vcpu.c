// SPDX-License-Identifier: GPL-2.0-only
/*
 * The descriptor of a vCPU: running it, events sent to it, and its run area.
 *
 * RUN and everything that reads or writes state try the vCPU's mutex and give EBUSY while somebody
 * else has it. KICK, EXTINT, NMI, INIT and SIPI never take it: they are meant for a running vCPU.
 */
#include <linux/anon_inodes.h>
#include <linux/atomic.h>
#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/trapnr.h>

#include "compat.h"
#include "ioctl/ioctl.h"
#include "vcpu/apic.h"
#include "vcpu/core.h"
#include "vcpu/exit.h"
#include "vcpu/run.h"
#include "vcpu/vcpu.h"
#include "vcpu/vm.h"
#include "vcpu/x86.h"

/* Exceptions that change a register beside the stack: CR2 or DR6. */
#define HAS_PAYLOAD	(BIT(X86_TRAP_DB) | BIT(X86_TRAP_PF))

static int refuse_busy(struct vmxhv_error *err)
{
	return refuse(err, -EBUSY, &(const struct refusal){ .code = VMXHV_ERR_NONE },
		      "another call is at work on this vCPU");
}

/**
 * vcpu_begin() - own a vCPU and have its VMCS current
 * @v: the vCPU
 * @err: where a refusal is recorded
 *
 * Context: Process context; may sleep. Ends with vcpu_end().
 * Return: 0, -EBUSY, or why the VMCS cannot be loaded.
 */
int vcpu_begin(struct vcpu *v, struct vmxhv_error *err)
{
	int ret;

	if (!mutex_trylock(&v->mutex))
		return refuse_busy(err);
	ret = vcpu_load(v);
	if (ret)
		mutex_unlock(&v->mutex);
	else
		v->recheck = true;	/* whatever is changed now may matter to the next entry */
	return ret;
}

/**
 * vcpu_end() - the end of what vcpu_begin() began
 * @v: the vCPU
 *
 * Context: Process context.
 */
void vcpu_end(struct vcpu *v)
{
	lockdep_assert_held(&v->mutex);
	vcpu_put(v);
	mutex_unlock(&v->mutex);
}

/**
 * loaded_vcpu() - the vCPU of a handler whose row says CALL_LOADED
 * @r: the call
 *
 * Context: Process context; the vCPU's mutex is held, its VMCS is current.
 * Return: It.
 */
struct vcpu *loaded_vcpu(const struct request *r)
{
	struct vcpu *v = r->d->v;

	lockdep_assert_held(&v->mutex);
	lockdep_assert(v->loaded);
	return v;
}

/* The detail is the vCPU's until here: other calls may refuse meanwhile on the same descriptor. */
static noinline void run_refused(struct descriptor *d, int ret)
{
	struct vcpu *v = d->v;

	lockdep_assert_held(&v->mutex);
	if (ret != -EINTR)
		last_error_set(&d->last, ret, &v->error);
	v->error.error = 0;
}

static noinline int run_busy(struct descriptor *d)
{
	struct vmxhv_error err;
	int ret = refuse_busy(&err);

	last_error_set(&d->last, ret, &err);
	return ret;
}

static __always_inline int run_locked(struct descriptor *d, u32 flags)
{
	struct vcpu *v = d->v;
	int ret;

	if (unlikely(!mutex_trylock(&v->mutex)))
		return run_busy(d);
	ret = vcpu_run(v, flags, &v->error);
	if (unlikely(ret < 0))
		run_refused(d, ret);
	mutex_unlock(&v->mutex);
	return ret;
}

/**
 * vcpu_run_call() - VMXHV_RUN: complete the last exit, apply what userspace changed, and enter
 * @r: the call; struct vmxhv_run_args
 *
 * Context: Process context; takes the mutex, sleeps while the guest is halted.
 * Return: 0 with an exit in the run area; -EINTR (a signal; the exit is INTR), -EBUSY (another
 * call is at work), -EINVAL (the run area's answer to the last exit), -EIO (dead, or not the
 * caller's), -ESHUTDOWN (the host is going down).
 */
static int vcpu_run_call(struct request *r)
{
	const struct vmxhv_run_args *run = r->arg;

	int ret = run_locked(r->d, run->flags);

	if (ret < 0)
		last_error_get(&r->d->last, r->err);	/* recorded already: once more the same */
	return ret;
}

/**
 * vcpu_kick_call() - VMXHV_KICK: have RUN return INTR, now or when next called
 * @r: the call
 *
 * Context: Any thread of the VM's process; never waits.
 * Return: 0, -EIO (not the caller's).
 */
static int vcpu_kick_call(struct request *r)
{
	vcpu_kick(r->d->v);
	return 0;
}

static int inject_check_exception(const struct vmxhv_inject *in, struct vmxhv_error *err)
{
	bool error_code, payload;

	if (in->vector >= NR_EXCEPTIONS || in->vector == X86_TRAP_NMI)
		return refuse_arg(err, -EINVAL, vmxhv_inject, vector, in->vector,
				  NR_EXCEPTIONS - 1, "not an exception's vector");
	error_code = exception_rule(in->vector)->error_code;
	if (in->has_error != error_code)
		return refuse_arg(err, -EINVAL, vmxhv_inject, has_error, in->has_error,
				  error_code, "vector %u %s an error code", in->vector,
				  error_code ? "has" : "does not have");
	if (in->error_code >> 16)
		return refuse_arg(err, -EINVAL, vmxhv_inject, error_code, in->error_code, U16_MAX,
				  "bits 31:16 of an error code are 0");
	payload = HAS_PAYLOAD & BIT(in->vector);
	if (in->has_payload > payload)
		return refuse_arg(err, -EINVAL, vmxhv_inject, has_payload, in->has_payload,
				  payload, "a payload belongs to vectors 1 and 14");
	return 0;
}

/* What the kind does not use must be 0, so that it can come to mean something. */
static int vcpu_inject_check(struct request *r)
{
	const struct vmxhv_inject *in = r->arg;

	if (in->kind > VMXHV_INJECT_SIPI)
		return refuse_arg(r->err, -EINVAL, vmxhv_inject, kind, in->kind,
				  VMXHV_INJECT_SIPI, "unknown kind of event");
	if (in->error_code && !in->has_error)
		return refuse_arg(r->err, -EINVAL, vmxhv_inject, error_code, in->error_code, 0,
				  "an error code, but has_error is 0");
	if (in->payload && !in->has_payload)
		return refuse_arg(r->err, -EINVAL, vmxhv_inject, payload, in->payload, 0,
				  "a payload, but has_payload is 0");
	if (in->kind == VMXHV_INJECT_EXCEPTION)
		return inject_check_exception(in, r->err);
	if (in->vector && in->kind != VMXHV_INJECT_SIPI)
		return refuse_arg(r->err, -EINVAL, vmxhv_inject, vector, in->vector, 0,
				  "this kind of event has no vector");
	if (in->has_error)
		return refuse_arg(r->err, -EINVAL, vmxhv_inject, has_error, in->has_error, 0,
				  "only an exception has an error code");
	if (in->has_payload)
		return refuse_arg(r->err, -EINVAL, vmxhv_inject, has_payload, in->has_payload, 0,
				  "only an exception has a payload");
	return 0;
}

static int refuse_occupied(struct vmxhv_error *err, u32 kind)
{
	return refuse_arg(err, -EAGAIN, vmxhv_inject, kind, kind, 0,
			  "an event of this kind is waiting already");
}

static int inject_exception(struct vcpu *v, const struct vmxhv_inject *in,
			    struct vmxhv_error *err)
{
	struct exception e = {
		.pending = true,
		.vector = in->vector,
		.has_error = in->has_error,
		.has_payload = in->has_payload,
		.error_code = in->error_code,
		.payload = in->payload,
	};
	int ret = vcpu_begin(v, err);

	if (ret)
		return ret;
	if (v->soft.insn_len && v->soft.vector == in->vector && v->soft.rip == vcpu_rip(v))
		e.insn_len = v->soft.insn_len;
	if (v->events.exception.pending || v->events.injected.info)
		ret = refuse_occupied(err, in->kind);
	else
		vcpu_raise_exception(v, &e);
	vcpu_end(v);
	return ret;
}

static int inject_nmi(struct vcpu *v, struct vmxhv_error *err)
{
	if (!atomic_add_unless(&v->nmi_queued, 1, NMI_DEPTH))
		return refuse_occupied(err, VMXHV_INJECT_NMI);
	vcpu_request(v, BIT(REQ_NMI));
	return 0;
}

static int inject_sipi(struct vcpu *v, u8 vector, struct vmxhv_error *err)
{
	if (test_bit(REQ_SIPI, &v->requests))
		return refuse_occupied(err, VMXHV_INJECT_SIPI);
	WRITE_ONCE(v->sipi_vector, vector);
	vcpu_request(v, BIT(REQ_SIPI));
	return 0;
}

/**
 * vcpu_inject_call() - VMXHV_INJECT: an exception, NMI, INIT or start-up IPI for the guest
 * @r: the call; struct vmxhv_inject
 *
 * Context: Process context. An exception takes the mutex, the others work on a running vCPU.
 * Return: 0; -EINVAL, -EAGAIN (one of this kind is waiting), -EBUSY (exception: the vCPU runs),
 * -EIO (not the caller's).
 */
static int vcpu_inject_call(struct request *r)
{
	const struct vmxhv_inject *in = r->arg;
	struct vcpu *v = r->d->v;

	switch (in->kind) {
	case VMXHV_INJECT_EXCEPTION:
		return inject_exception(v, in, r->err);
	case VMXHV_INJECT_NMI:
		return inject_nmi(v, r->err);
	case VMXHV_INJECT_INIT:
		/* as in lapic's: a start-up IPI from before is no one's */
		clear_bit(REQ_SIPI, &v->requests);
		vcpu_request(v, BIT(REQ_INIT));
		return 0;
	default:
		return inject_sipi(v, in->vector, r->err);
	}
}

static int vcpu_extint_check(struct request *r)
{
	const struct vmxhv_extint *extint = r->arg;

	if (extint->level > 1)
		return refuse_arg(r->err, -EINVAL, vmxhv_extint, level, extint->level, 1,
				  "a line is 0 or 1");
	return 0;
}

/**
 * vcpu_extint_call() - VMXHV_EXTINT: the level of the external-interrupt line
 * @r: the call; struct vmxhv_extint
 *
 * Context: Process context; never waits. While the line is up and the guest can take it, RUN exits
 * INTACK.
 * Return: 0; -EINVAL, -EIO (not the caller's).
 */
static int vcpu_extint_call(struct request *r)
{
	const struct vmxhv_extint *extint = r->arg;
	struct vcpu *v = r->d->v;

	WRITE_ONCE(v->extint_line, extint->level);
	vcpu_request(v, BIT(REQ_EVENT));
	return 0;
}

static int vcpu_lapic_access_check(struct request *r)
{
	const struct vmxhv_lapic_access *access = r->arg;

	if (access->length != sizeof(u32))
		return refuse_arg(r->err, -EINVAL, vmxhv_lapic_access, length, access->length,
				  sizeof(u32), "APIC registers are accessed 4 bytes at a time");
	if (access->offset >= PAGE_SIZE || access->offset % sizeof(u32))
		return refuse_arg(r->err, -EINVAL, vmxhv_lapic_access, offset, access->offset,
				  PAGE_SIZE - sizeof(u32), "not a register of the APIC page");
	if (access->write > 1)
		return refuse_arg(r->err, -EINVAL, vmxhv_lapic_access, write, access->write, 1,
				  "neither a read nor a write");
	return 0;
}

/**
 * vcpu_lapic_access_call() - VMXHV_LAPIC_ACCESS: an access to the APIC page that userspace decoded
 * @r: the call; struct vmxhv_lapic_access; value is output when write is 0
 *
 * Context: Process context; vCPU loaded.
 * Return: 0; -EINVAL (no such register), -EBUSY, -EIO (not the caller's).
 */
static int vcpu_lapic_access_call(struct request *r)
{
	struct vmxhv_lapic_access *access = r->arg;
	struct vcpu *v = loaded_vcpu(r);
	int ret;

	if (access->write)
		ret = lapic_mmio_write(v, access->offset, access->value);
	else
		ret = lapic_mmio_read(v, access->offset, &access->value);
	if (ret)
		return refuse_arg(r->err, ret, vmxhv_lapic_access, offset, access->offset, 0,
				  "the APIC has no such register, or is not in xAPIC mode");
	return 0;
}

/*
 * RUN takes the mutex itself, on its direct path, and is refused there when the VM is dead; INJECT
 * takes it for an exception only. The others without CALL_LOADED are meant for a running vCPU.
 */
static const struct ioctl_call vcpu_calls[] = {
	IOCTL_CALL(VMXHV_RUN, vmxhv_run_args, 8, .known_flags = VMXHV_RUN_COMPLETE_ONLY,
		   .handler = vcpu_run_call),
	IOCTL_CALL_BARE(VMXHV_KICK, vcpu_kick_call),
	IOCTL_CALL(VMXHV_GET_STATE, vmxhv_state, 24, .how = CALL_LOADED,
		   .reserved = { RESERVED(vmxhv_state, reserved) },
		   .check = vcpu_get_state_check, .handler = vcpu_get_state,
		   .finish = vcpu_get_state_finish),
	IOCTL_CALL(VMXHV_SET_STATE, vmxhv_state, 24, .how = CALL_LOADED,
		   .reserved = { RESERVED(vmxhv_state, reserved) },
		   .check = vcpu_set_state_check, .handler = vcpu_set_state),
	IOCTL_CALL(VMXHV_GET_MSRS, vmxhv_msrs, 24,
		   .how = CALL_LOADED | CALL_OUT | CALL_OUT_ON_ERROR,
		   .reserved = { RESERVED(vmxhv_msrs, reserved) },
		   .check = vcpu_msrs_check, .handler = vcpu_get_msrs,
		   .finish = vcpu_get_msrs_finish),
	IOCTL_CALL(VMXHV_SET_MSRS, vmxhv_msrs, 24,
		   .how = CALL_LOADED | CALL_OUT | CALL_OUT_ON_ERROR,
		   .reserved = { RESERVED(vmxhv_msrs, reserved) },
		   .check = vcpu_msrs_check, .handler = vcpu_set_msrs,
		   .finish = vcpu_set_msrs_finish),
	IOCTL_CALL(VMXHV_SET_CPUID, vmxhv_cpuid, 24, .how = CALL_LOADED,
		   .reserved = { RESERVED(vmxhv_cpuid, reserved) },
		   .check = vcpu_set_cpuid_check, .handler = vcpu_set_cpuid),
	IOCTL_CALL(VMXHV_INJECT, vmxhv_inject, 32,
		   .reserved = { RESERVED(vmxhv_inject, reserved),
				 RESERVED(vmxhv_inject, reserved2) },
		   .check = vcpu_inject_check, .handler = vcpu_inject_call),
	IOCTL_CALL(VMXHV_EXTINT, vmxhv_extint, 16,
		   .reserved = { RESERVED(vmxhv_extint, reserved) },
		   .check = vcpu_extint_check, .handler = vcpu_extint_call),
	IOCTL_CALL(VMXHV_LAPIC_ACCESS, vmxhv_lapic_access, 24, .how = CALL_LOADED | CALL_OUT,
		   .check = vcpu_lapic_access_check, .handler = vcpu_lapic_access_call),
	IOCTL_CALL(VMXHV_TRANSLATE, vmxhv_translate, 64, .how = CALL_LOADED | CALL_OUT,
		   .known_flags = VMXHV_TRANSLATE_SET_FLAGS | VMXHV_TRANSLATE_ONES |
				  VMXHV_TRANSLATE_MEMORY,
		   .reserved = { RESERVED(vmxhv_translate, reserved) },
		   .check = vcpu_translate_check, .handler = vcpu_translate_call),
	IOCTL_CALL(VMXHV_DEBUG, vmxhv_debug, 80, .how = CALL_LOADED,
		   .reserved = { RESERVED(vmxhv_debug, reserved) },
		   .check = vcpu_debug_check, .handler = vcpu_debug_call),
	IOCTL_CALL(VMXHV_GET_ERROR, vmxhv_error, 136, .how = CALL_OUT | CALL_KEEP_ERROR,
		   .handler = get_error_call),
};

/* The command's type and number, which are all that counts of it. */
#define COMMAND(cmd)	((cmd) & (_IOC_TYPEMASK << _IOC_TYPESHIFT | _IOC_NRMASK << _IOC_NRSHIFT))

static noinline long vcpu_ioctl_slow(struct descriptor *d, unsigned int cmd, unsigned long arg)
{
	return ioctl_dispatch(vcpu_calls, ARRAY_SIZE(vcpu_calls), d, cmd, arg);
}

/*
 * RUN comes once per exit: its argument is one word, read once, and the table is left alone as long
 * as that word is the plain one.
 */
static long vcpu_ioctl_run(struct descriptor *d, unsigned long arg)
{
	u64 word;

	BUILD_BUG_ON(sizeof(struct vmxhv_run_args) != sizeof(word));
	if (get_user(word, (u64 __user *)arg))
		return vcpu_ioctl_slow(d, VMXHV_RUN, arg);
	if ((u32)word != sizeof(word) || word >> 32 & ~(u64)VMXHV_RUN_COMPLETE_ONLY)
		return vcpu_ioctl_slow(d, VMXHV_RUN, arg);
	return run_locked(d, word >> 32);
}

static long vcpu_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct descriptor *d = file->private_data;

	if (unlikely(d->vm->mm != current->mm))
		return -EIO;
	if (likely(COMMAND(cmd) == COMMAND(VMXHV_RUN)))
		return vcpu_ioctl_run(d, arg);
	return vcpu_ioctl_slow(d, cmd, arg);
}

/*
 * The run area. The mapping holds the file, so the pages outlive the descriptor. A child process
 * does not get it (its vCPU calls would be refused anyway), and it never becomes executable.
 */
static int vcpu_mmap(struct file *file, struct vm_area_struct *vma)
{
	const struct descriptor *d = file->private_data;
	unsigned long offset = 0;
	int ret = 0;

	if (d->vm->mm != vma->vm_mm)
		return -EIO;
	if (vma->vm_pgoff || vma->vm_end - vma->vm_start > VMXHV_RUN_SIZE)
		return -EINVAL;
	if (!(vma->vm_flags & VM_SHARED) || vma->vm_flags & VM_EXEC)
		return -EINVAL;
	compat_vm_flags_mod(vma, VM_DONTCOPY | VM_DONTEXPAND | VM_DONTDUMP, VM_MAYEXEC);
	for (; !ret && vma->vm_start + offset < vma->vm_end; offset += PAGE_SIZE)
		ret = vm_insert_page(vma, vma->vm_start + offset,
				     virt_to_page((char *)d->v->run + offset));
	return ret;
}

static int vcpu_close(struct inode *inode, struct file *file)
{
	struct descriptor *d = file->private_data;

	if (d->v)
		vcpu_release(d->v);
	kfree(d);
	return 0;
}

static const struct file_operations vcpu_fops = {
	.owner = THIS_MODULE,
	.release = vcpu_close,
	.unlocked_ioctl = vcpu_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = vcpu_mmap,
	.llseek = noop_llseek,
};

static struct file *vcpu_file_open(struct vm *vm)
{
	struct descriptor *d = descriptor_create(vm);
	struct file *file;

	if (!d)
		return ERR_PTR(-ENOMEM);
	file = anon_inode_getfile("vmxhv-vcpu", &vcpu_fops, d, O_RDWR);
	if (IS_ERR(file))
		kfree(d);
	return file;
}

/**
 * vcpu_fd_create() - a vCPU and its descriptor
 * @vm: the VM
 * @id: the APIC id
 * @err: where a refusal is recorded
 *
 * The descriptor comes first: an id, once given to a vCPU, is not free again while the VM lives.
 *
 * Context: Process context.
 * Return: The descriptor, or what vcpu_create() says, -ENOMEM, -EMFILE, -ENFILE.
 */
int vcpu_fd_create(struct vm *vm, u32 id, struct vmxhv_error *err)
{
	int fd = get_unused_fd_flags(O_RDWR | O_CLOEXEC);
	struct descriptor *d;
	struct file *file;
	int ret;

	if (fd < 0)
		return fd;
	file = vcpu_file_open(vm);
	if (IS_ERR(file)) {
		ret = PTR_ERR(file);
		goto put_fd;
	}
	d = file->private_data;
	ret = vcpu_create(vm, id, &d->v, err);
	if (ret)
		goto put_file;
	fd_install(fd, file);
	return fd;

put_file:
	fput(file);
put_fd:
	put_unused_fd(fd);
	return ret;
}
