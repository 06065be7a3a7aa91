// SPDX-License-Identifier: GPL-2.0-only
/*
 * What holds for every call alike: where its argument may be, how long it may be, which flags it
 * has, which fields must be 0, what the address of an array may be, and whose descriptor it is for.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "calls.h"
#include "machine.h"
#include "refusal.h"
#include "tap.h"
#include "trace.h"

#define OFTEN		800		/* more than the objects that a CPU keeps at hand: 512 */
#define PAGE		4096u
#define NONCANONICAL	0x8000000000000000ull
#define KERNEL		0xffff888000001000ull
#define LAST		0xfffffffffffffff8ull

static struct machine m;
static struct cpu c;
static int bare;		/* a VM without a vCPU, for CONFIG */
static uint8_t *page;		/* two pages; behind them nothing can be reached */

static int fd_of(const struct a_call *a)
{
	const int fd[FDS] = { m.dev, m.vm, c.fd };

	return a->command == VMXHV_CONFIG ? bare : fd[a->fd];
}

/* A vCPU's id can be had once. */
static void another_id(void *argument)
{
	static uint32_t id = 8;

	((struct vmxhv_create_vcpu *)argument)->id = id++;
}

/* The call with its argument copied to @at, which is @size bytes long there. */
static int call_at(const struct a_call *a, void *at, uint32_t size)
{
	int ret;

	calls_prepare();
	if (a->command == VMXHV_CREATE_VCPU)
		another_id(a->argument);
	memcpy(at, a->argument, a->size);
	memcpy(at, &size, sizeof(size));
	ret = call(fd_of(a), a->command, at);
	if (a->command == VMXHV_CREATE_VM || a->command == VMXHV_CREATE_VCPU)
		close(ret);
	return ret;
}

/* Refused with this errno, which GET_ERROR repeats, with the field that was wrong. */
static bool refused(const struct a_call *a, int ret, int error, uint32_t code, uint32_t item)
{
	const struct vmxhv_error e = last_error(fd_of(a));
	bool good = ret == -error;

	/* GET_ERROR's own refusals are not what it tells */
	if (a->command != VMXHV_GET_ERROR)
		good = good && e.error == error && e.code == code && e.item == item;
	if (!good)
		tap_note("%s: returned %d, wanted %d; GET_ERROR: %d, code %u, item %u: '%.96s'",
			 a->name, ret, -error, e.error, e.code, e.item, e.text);
	return good;
}

static bool efault(const struct a_call *a, uint64_t address)
{
	calls_prepare();
	return refused(a, call(fd_of(a), a->command, (void *)(uintptr_t)address), EFAULT,
		       VMXHV_ERR_NONE, 0);
}

static bool has_worked(const struct a_call *a, int ret)
{
	if (ret < 0)
		tap_note("%s: returned %d: %.96s", a->name, ret, last_error(fd_of(a)).text);
	return ret >= 0;
}

static void addresses(const struct a_call *a)
{
	uint8_t *end = page + 2 * PAGE;
	bool good;

	tap_ok(has_worked(a, call_at(a, page, a->size)), "%s: as it should be", a->name);
	good = efault(a, 0) && efault(a, 8) && efault(a, KERNEL) && efault(a, NONCANONICAL) &&
	       efault(a, LAST) && efault(a, (uintptr_t)end);
	tap_ok(good, "%s: an address where nothing is, or the kernel's", a->name);

	/* the size can be read, the rest cannot */
	memcpy(end - 4, a->argument, 4);
	tap_ok(efault(a, (uintptr_t)end - 4), "%s: the end of it is nowhere", a->name);
	tap_ok(has_worked(a, call_at(a, end - a->size, a->size)), "%s: just before nothing",
	       a->name);
	tap_ok(has_worked(a, call_at(a, page + 1, a->size)), "%s: an odd address", a->name);
	tap_ok(has_worked(a, call_at(a, page + PAGE - 7, a->size)), "%s: across pages", a->name);
}

static int call_read_only(const struct a_call *a)
{
	int ret;

	calls_prepare();
	if (a->command == VMXHV_CREATE_VCPU)
		another_id(a->argument);
	memcpy(page, a->argument, a->size);
	mprotect(page, PAGE, PROT_READ);
	ret = call(fd_of(a), a->command, page);
	mprotect(page, PAGE, PROT_READ | PROT_WRITE);
	return ret;
}

static void read_only(const struct a_call *a)
{
	int ret = call_read_only(a);

	tap_ok(a->out ? refused(a, ret, EFAULT, VMXHV_ERR_NONE, 0) : has_worked(a, ret),
	       "%s: memory that cannot be written to", a->name);
	if (ret >= 0 && (a->command == VMXHV_CREATE_VM || a->command == VMXHV_CREATE_VCPU))
		close(ret);
}

static bool refused_size(const struct a_call *a, uint32_t size, int error)
{
	memset(page, 0, PAGE);
	return refused(a, call_at(a, page, size), error, VMXHV_ERR_ARGUMENT, 0);
}

static bool zero(const uint8_t *bytes, size_t count)
{
	while (count && !*bytes)
		bytes++, count--;
	return !count;
}

/* A tail of zeros is no harm; it comes back as zeros, and size is the kernel's. */
static bool longer(const struct a_call *a, uint32_t size)
{
	memset(page, 0, 2 * PAGE);
	return has_worked(a, call_at(a, page, size)) && *(uint32_t *)page == a->size &&
	       zero(page + a->size, size - a->size);
}

static bool dirty_tail(const struct a_call *a, uint32_t at)
{
	int ret;

	memset(page, 0, PAGE);
	page[at] = 1;
	ret = call_at(a, page, PAGE);
	return refused(a, ret, E2BIG, VMXHV_ERR_ARGUMENT, 0);
}

static void sizes(const struct a_call *a)
{
	tap_ok(refused_size(a, 0, EINVAL) && refused_size(a, 4, EINVAL) &&
	       refused_size(a, 7, EINVAL), "%s: too short", a->name);
	tap_ok(refused_size(a, PAGE + 1, E2BIG) && refused_size(a, 1u << 31, E2BIG) &&
	       refused_size(a, ~0u, E2BIG), "%s: too long", a->name);
	tap_ok(longer(a, a->size + 1) && longer(a, a->size + 8) && longer(a, PAGE),
	       "%s: longer than the kernel knows, and 0 there", a->name);
	tap_ok(dirty_tail(a, a->size) && dirty_tail(a, PAGE - 1),
	       "%s: not 0 there", a->name);
}

static void flags(const struct a_call *a)
{
	bool good = true;
	int ret;

	for (int bit = 0; bit < 32; bit++) {
		const uint32_t flag = 1u << bit;

		if (a->flags & flag)
			continue;
		calls_prepare();
		memcpy(page, a->argument, a->size);
		memcpy(page + 4, &flag, sizeof(flag));
		ret = call(fd_of(a), a->command, page);
		good = refused(a, ret, EINVAL, VMXHV_ERR_ARGUMENT, 4) && good;
	}
	tap_ok(good, "%s: each flag that there is not", a->name);
}

/* An array of bytes is told as 1, whatever is in it. */
static bool reserved_byte(const struct a_call *a, const struct field *f, uint32_t byte)
{
	const uint64_t value = f->size > 4 ? 1 : 0x80ull << 8 * byte;
	struct vmxhv_error e;
	int ret;

	calls_prepare();
	memcpy(page, a->argument, a->size);
	page[f->at + byte] = 0x80;
	ret = call(fd_of(a), a->command, page);
	if (!refused(a, ret, EINVAL, VMXHV_ERR_ARGUMENT, f->at))
		return false;
	e = last_error(fd_of(a));
	if (e.value == value && !e.wanted && !strcmp(e.text, "reserved field is not 0"))
		return true;
	tap_note("%s: byte %u: value %#llx, wanted %#llx: '%.96s'", a->name, byte,
		 (unsigned long long)e.value, (unsigned long long)value, e.text);
	return false;
}

static void reserved(const struct a_call *a)
{
	bool good = true;

	for (const struct field *f = a->reserved; f->size; f++) {
		for (uint32_t byte = 0; byte < f->size; byte++)
			good = reserved_byte(a, f, byte) && good;
	}
	tap_ok(good, "%s: each byte that must be 0", a->name);
}

static int call_array(const struct a_call *a, uint64_t address)
{
	calls_prepare();
	memcpy((uint8_t *)a->argument + a->array, &address, sizeof(address));
	return call(fd_of(a), a->command, a->argument);
}

static bool array_efault(const struct a_call *a, uint64_t address)
{
	return refused(a, call_array(a, address), EFAULT, VMXHV_ERR_NONE, 0);
}

/* Two bytes of it are there; of a bitmap and a single entry that is less than all. */
static void arrays(const struct a_call *a)
{
	const uint64_t end = (uintptr_t)page + 2 * PAGE;

	tap_ok(array_efault(a, 8) && array_efault(a, KERNEL) && array_efault(a, NONCANONICAL) &&
	       array_efault(a, LAST) && array_efault(a, end) && array_efault(a, end - 2),
	       "%s: an array where nothing is, or the kernel's", a->name);
}

/* An answer that cannot be given, and an array that ends nowhere, over and over. */
static void refuse_often(int times)
{
	const uint64_t end = (uintptr_t)page + 2 * PAGE;

	for (const struct a_call *a = calls; a < calls + NR_CALLS; a++) {
		for (int i = 0; i < times; i++) {
			if (a->out)
				call_read_only(a);
			if (a->array)
				call_array(a, end - 2);
		}
	}
}

static void nothing_lost(void)
{
	static struct trace before, after;

	refuse_often(10);
	trace_look(&before);
	refuse_often(OFTEN);
	trace_look(&after);
	trace_report(&before, &after);
	tap_ok(trace_gone(&before, &after, OFTEN * 2, OFTEN * 3 / 4),
	       "%d refusals of each call have left nothing", OFTEN);
}

static bool has_command(enum fd fd, unsigned long command)
{
	for (int i = 0; i < NR_CALLS; i++)
		if (calls[i].fd == fd && calls[i].command == command)
			return true;
	return false;
}

/* Another's command is none, and no refusal: GET_ERROR says what it said before. */
static bool is_none(int fd, enum fd kind, const struct a_call *a)
{
	struct vmxhv_error before, after;
	int ret;

	if (has_command(kind, a->command))
		return true;
	before = last_error(fd);
	calls_prepare();
	ret = call(fd, a->command, a->argument);
	after = last_error(fd);
	if (ret != -ENOTTY || memcmp(&before, &after, sizeof(after)))
		tap_note("%s on descriptor kind %d: returned %d", a->name, kind, ret);
	return ret == -ENOTTY && !memcmp(&before, &after, sizeof(after));
}

static void descriptors(const struct a_call *a)
{
	int closed, other[2];

	if (pipe(other))
		tap_bail("pipe");
	closed = dup(m.dev);
	close(closed);
	calls_prepare();
	tap_ok(is_none(m.dev, DEV, a) && is_none(m.vm, VM, a) && is_none(c.fd, VCPU, a),
	       "%s: on another kind of descriptor", a->name);
	tap_ok(call(closed, a->command, a->argument) == -EBADF &&
	       call(other[0], a->command, a->argument) == -ENOTTY,
	       "%s: on a closed descriptor, and a pipe", a->name);
	close(other[0]);
	close(other[1]);
}

/* What files can do beside that, these cannot. */
static void as_files(int fd, const char *name, bool maps)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN | POLLOUT };
	char byte;

	tap_ok(read(fd, &byte, 1) < 0 && errno == EINVAL, "%s: read", name);
	tap_ok(write(fd, "x", 1) < 0 && errno == EINVAL, "%s: write", name);
	tap_equal(poll(&ready, 1, 0), 1, "poll does not wait");
	if (!maps)
		tap_ok(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED &&
		       errno == ENODEV, "%s: mmap", name);
}

static void set_up(void)
{
	struct vmxhv_create_vm create = { .size = sizeof(create) };

	page = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED || mprotect(page + 2 * PAGE, 2 * PAGE, PROT_NONE))
		tap_bail("mmap");
	machine_create(&m, 1 << 20);
	cpu_create(&m, &c, 0);
	bare = call(m.dev, VMXHV_CREATE_VM, &create);
	if (bare < 0)
		tap_bail("CREATE_VM");
}

int main(void)
{
	set_up();
	for (const struct a_call *a = calls; a < calls + NR_CALLS; a++) {
		descriptors(a);
		if (!a->size)
			continue;
		addresses(a);
		read_only(a);
		sizes(a);
		flags(a);
		if (a->reserved->size)
			reserved(a);
		if (a->array)
			arrays(a);
	}
	nothing_lost();
	as_files(m.dev, "device", false);
	as_files(m.vm, "VM", false);
	as_files(c.fd, "vCPU", true);
	close(bare);
	cpu_destroy(&c);
	machine_destroy(&m);
	return tap_done();
}
