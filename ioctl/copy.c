// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way of a call: its argument into the kernel and back, and what the tables' columns say of it.
 * The same for every command: the rules that open vmxhv.h are kept here and nowhere else.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "ioctl/ioctl.h"
#include "vcpu/run.h"
#include "vcpu/vm.h"
#include "vmxhv_layout.h"

/* What every argument begins with. */
struct head {
	u32 size;
	u32 flags;
};

/* An argument in the kernel: GET_INFO's is the largest. */
union argument {
	struct head head;
	u64 align;
	u8 raw[MAX_ARG_SIZE];
};

/**
 * descriptor_create() - what a new descriptor holds: no refusal yet, and no vCPU
 * @vm: the VM, or NULL; whose reference it is, is the caller's business
 *
 * Context: Process context; may sleep.
 * Return: Memory for kfree(), or NULL.
 */
struct descriptor *descriptor_create(struct vm *vm)
{
	struct descriptor *d = kzalloc(sizeof(*d), GFP_KERNEL_ACCOUNT);

	if (!d)
		return NULL;
	d->vm = vm;
	spin_lock_init(&d->last.lock);
	return d;
}

/**
 * last_error_set() - remember a refusal for GET_ERROR
 * @last: of the descriptor
 * @error: the negative errno that the call returns
 * @detail: what refuse() recorded, if it did
 *
 * Context: Any; a refusal without detail (out of memory, a bad pointer) is kept as its errno.
 */
void last_error_set(struct last_error *last, int error, const struct vmxhv_error *detail)
{
	spin_lock(&last->lock);
	if (detail && detail->error == -error) {
		last->error = *detail;
	} else {
		memset(&last->error, 0, sizeof(last->error));
		last->error.error = -error;
	}
	spin_unlock(&last->lock);
}

/**
 * last_error_get() - what last_error_set() remembered
 * @last: of the descriptor
 * @out: gets it
 *
 * Context: Any.
 */
void last_error_get(struct last_error *last, struct vmxhv_error *out)
{
	spin_lock(&last->lock);
	*out = last->error;
	spin_unlock(&last->lock);
}

/**
 * get_error_call() - VMXHV_GET_ERROR: the last refusal of this descriptor
 * @r: the call; struct vmxhv_error, all of it is output but for its size
 *
 * Context: Process context; takes no mutex, so it works while the vCPU runs.
 * Return: 0.
 */
int get_error_call(struct request *r)
{
	struct vmxhv_error *out = r->arg;
	u32 size = out->size;

	last_error_get(&r->d->last, out);
	out->size = size;
	out->flags = 0;
	return 0;
}

/*
 * The size is read once, and that value decides how much is copied and what the handler sees: the
 * copy may find another one in memory by then.
 */
static int copy_in(const struct ioctl_call *call, void __user *user, union argument *arg,
		   u32 *user_size, struct vmxhv_error *err)
{
	u32 size;
	int ret;

	if (get_user(size, (u32 __user *)user))
		return -EFAULT;
	if (size < call->min_size)
		return refuse_arg(err, -EINVAL, head, size, size, call->min_size,
				  "size is less than the structure's first version");
	if (size > PAGE_SIZE)
		return refuse_arg(err, -E2BIG, head, size, size, PAGE_SIZE,
				  "size is beyond any version of the structure");

	ret = copy_struct_from_user(arg, call->size, user, size);
	if (ret == -E2BIG)
		return refuse_arg(err, -E2BIG, head, size, size, call->size,
				  "not zero beyond what this kernel knows");
	if (ret)
		return ret;
	arg->head.size = call->size;
	if (arg->head.flags & ~call->known_flags)
		return refuse_arg(err, -EINVAL, head, flags, arg->head.flags, call->known_flags,
				  "unknown flag");
	*user_size = size;
	return 0;
}

static int copy_out(const struct ioctl_call *call, void __user *user, const union argument *arg,
		    u32 user_size)
{
	u32 length = min_t(u32, user_size, call->size);

	if (copy_to_user(user, arg, length))
		return -EFAULT;
	if (user_size > length && clear_user(user + length, user_size - length))
		return -EFAULT;
	return 0;
}

static int refuse_reserved(const struct reserved_field *field, const u8 *seen,
			   struct vmxhv_error *err)
{
	struct refusal what = { .code = VMXHV_ERR_ARGUMENT, .item = field->at };

	memcpy(&what.value, seen, min_t(size_t, field->size, sizeof(what.value)));
	return refuse(err, -EINVAL, &what, "reserved field is not 0");
}

static int check_reserved(const struct ioctl_call *call, const u8 *arg, struct vmxhv_error *err)
{
	const struct reserved_field *field = call->reserved;
	const struct reserved_field *end = field + ARRAY_SIZE(call->reserved);

	for (; field < end && field->size; field++) {
		if (memchr_inv(arg + field->at, 0, field->size))
			return refuse_reserved(field, arg + field->at, err);
	}
	return 0;
}

static int check_alive(const struct ioctl_call *call, const struct request *r)
{
	if (!(call->how & CALL_ALIVE) || likely(!READ_ONCE(r->d->vm->dead)))
		return 0;
	return refuse(r->err, -EIO, &(const struct refusal){ .code = VMXHV_ERR_NONE },
		      "the VM is dead: an internal error, or its process is gone");
}

static int handle(const struct ioctl_call *call, struct request *r)
{
	int ret;

	if (!(call->how & CALL_LOADED))
		return call->handler(r);
	ret = vcpu_begin(r->d->v, r->err);
	if (ret)
		return ret;
	ret = call->handler(r);
	/* the host goes down: what was read since VMX went off is nothing */
	if (unlikely(vmcs_lost(r->d->v)))
		ret = -ESHUTDOWN;
	vcpu_end(r->d->v);
	return ret;
}

/* The columns in their order: which refusal wins is part of the interface. */
static int perform(const struct ioctl_call *call, struct request *r)
{
	int ret = check_reserved(call, r->arg, r->err);

	if (!ret && call->check)
		ret = call->check(r);
	if (!ret)
		ret = check_alive(call, r);
	if (!ret)
		ret = handle(call, r);
	if (call->finish)
		ret = call->finish(r, ret);
	kvfree(r->array);
	return ret;
}

static int call_with_argument(const struct ioctl_call *call, struct request *r,
			      void __user *user)
{
	/* a kernel that clears all variables would clear 512 bytes for the 24 of a message */
	union argument arg __uninitialized;
	u32 user_size;
	int ret;

	BUILD_BUG_ON(sizeof(arg) != MAX_ARG_SIZE);
	ret = copy_in(call, user, &arg, &user_size, r->err);
	if (ret)
		return ret;

	r->arg = &arg;
	ret = perform(call, r);
	if (ret >= 0 ? call->how & CALL_OUT : call->how & CALL_OUT_ON_ERROR)
		return copy_out(call, user, &arg, user_size) ?: ret;

	/*
	 * Input only: the kernel's size is all there is to tell. It differs for a caller built
	 * against another version only, and is no reason to take back what has been done.
	 */
	if (ret >= 0 && user_size != call->size)
		(void)put_user(call->size, (u32 __user *)user);
	return ret;
}

static const struct ioctl_call *find_call(const struct ioctl_call *calls, unsigned int count,
					  unsigned int cmd)
{
	unsigned int i;

	if (_IOC_TYPE(cmd) != VMXHV_MAGIC)
		return NULL;
	for (i = 0; i < count; i++) {
		if (calls[i].nr == _IOC_NR(cmd))
			return &calls[i];
	}
	return NULL;
}

/**
 * ioctl_dispatch() - find a command in its descriptor's table and do it
 * @calls: the table
 * @count: its rows
 * @d: the descriptor; keeps a refusal for GET_ERROR
 * @cmd: only type and number count; the size in it is the caller's view of a growing structure
 * @arg: the caller's pointer
 *
 * A signal is no refusal: -EINTR leaves the last one as it was.
 *
 * Context: Process context; may sleep.
 * Return: The handler's value, or -ENOTTY (unknown command), -EFAULT, -EINVAL (size too small or
 * an unknown flag, or a reserved field), -E2BIG (a tail that this kernel does not know is not
 * zero), -EIO (the VM is dead), -EBUSY (another call is at work on the vCPU), -ESHUTDOWN.
 */
int ioctl_dispatch(const struct ioctl_call *calls, unsigned int count, struct descriptor *d,
		   unsigned int cmd, unsigned long arg)
{
	const struct ioctl_call *call = find_call(calls, count, cmd);
	/* err.error says whether there is more: refuse() then writes all of it */
	struct vmxhv_error err __uninitialized;
	struct request r = { .d = d, .err = &err };
	int ret;

	if (!call)
		return -ENOTTY;

	err.error = 0;
	if (call->min_size)
		ret = call_with_argument(call, &r, (void __user *)arg);
	else
		ret = perform(call, &r);
	if (ret < 0 && ret != -EINTR && !(call->how & CALL_KEEP_ERROR))
		last_error_set(&d->last, ret, &err);
	return ret;
}

/**
 * array_in() - the array that an argument points to, in the kernel
 * @r: the call, which has none yet
 * @user: its address, as the structure holds it
 * @count: its entries, which the caller of this has bounded
 * @entry_size: bytes of each
 *
 * Context: Process context; may sleep.
 * Return: 0 with the copy in the request's array, -ENOMEM, -EFAULT.
 */
int array_in(struct request *r, u64 user, u32 count, size_t entry_size)
{
	int ret;

	if (user != (unsigned long)user)
		return -EFAULT;
	ret = array_room(r, count, entry_size);
	if (!ret && copy_from_user(r->array, u64_to_user_ptr(user), array_size(count, entry_size)))
		ret = -EFAULT;
	return ret;
}

/**
 * array_room() - an array of zeros, for what the caller is to get or has to give
 * @r: the call, which has none yet
 * @count: entries
 * @entry_size: bytes of each
 *
 * Context: Process context; may sleep.
 * Return: 0 with the memory in the request's array, or -ENOMEM.
 */
int array_room(struct request *r, u32 count, size_t entry_size)
{
	r->array = kvcalloc(count, entry_size, GFP_KERNEL_ACCOUNT);
	return r->array ? 0 : -ENOMEM;
}

/**
 * array_out() - the way back
 * @r: the call, with the kernel's array
 * @user: the caller's
 * @count: entries
 * @entry_size: bytes of each
 *
 * Context: Process context; may sleep.
 * Return: 0 or -EFAULT.
 */
int array_out(const struct request *r, u64 user, u32 count, size_t entry_size)
{
	if (copy_to_user(u64_to_user_ptr(user), r->array, array_size(count, entry_size)))
		return -EFAULT;
	return 0;
}
