// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmxhv_mmio_complete(): bytes of an instruction, the state before, the effect expected. A device
 * register of eight bytes stands at DEVICE; what is read from it and written to it is recorded.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>

#include "libvmxhv.h"
#include "tap.h"
#include "util.h"

#define DEVICE		0xd0000000ull
#define CF		0x001u
#define PF		0x004u
#define AF		0x010u
#define ZF		0x040u
#define SF		0x080u
#define DF		0x400u
#define OF		0x800u
#define FLAGS		(CF | PF | AF | ZF | SF | OF)

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9 };
enum { R = VMXHV_MMIO_READ, W = VMXHV_MMIO_WRITE };

struct device {
	uint64_t value;
	unsigned int reads, writes, width;
	uint64_t address;
	uint8_t ram[0x4000];
};

static int device_read(void *opaque, uint64_t gpa, unsigned int width, uint64_t *value)
{
	struct device *device = opaque;

	device->reads++;
	device->width = width;
	device->address = gpa;
	*value = device->value;
	return 0;
}

static int device_write(void *opaque, uint64_t gpa, unsigned int width, uint64_t value)
{
	struct device *device = opaque;

	device->writes++;
	device->width = width;
	device->address = gpa;
	device->value = value;
	return 0;
}

static void *device_ram(void *opaque, uint64_t gpa, uint64_t length)
{
	struct device *device = opaque;

	return gpa + length <= sizeof(device->ram) ? device->ram + gpa : NULL;
}

/* The kernel: linear addresses are physical ones, but for one page that is not there. */
#define ABSENT		0x400000ull

int ioctl(int fd, unsigned long request, ...)
{
	struct vmxhv_translate *answer;
	va_list ap;

	(void)fd;
	va_start(ap, request);
	answer = va_arg(ap, struct vmxhv_translate *);
	va_end(ap);
	if (request != VMXHV_TRANSLATE)
		return -1;
	answer->result = VMXHV_TRANSLATED;
	answer->gpa = answer->gva;
	if (answer->gva < sizeof(((struct device *)0)->ram))
		answer->rights = VMXHV_ON_MEMORY(VMXHV_ACCESS_READ | VMXHV_ACCESS_WRITE);
	if ((answer->gva & ~0xfffull) != ABSENT)
		return 0;
	answer->result = VMXHV_TRANSLATE_FAULT;
	answer->vector = 14;
	answer->error_code = answer->access & VMXHV_ACCESS_WRITE ? 2 : 0;
	answer->cr2 = answer->gva;
	return 0;
}

static const struct vmxhv_mmio_ops ops = { device_read, device_write, device_ram };

/* Registers not named are 0x1111... times their number. */
struct test {
	const char *name;
	uint8_t insn[15];
	uint8_t mode;
	uint8_t access;
	uint64_t device;		/* before */
	uint64_t rflags;
	int reg;			/* set to value before */
	uint64_t value;
	/* expected: */
	uint64_t device_after;
	unsigned int width;
	int out;			/* register to check */
	uint64_t out_value;
	uint64_t flags_after;		/* of FLAGS */
};

#define M64	VMXHV_MODE_64
#define M32	VMXHV_MODE_32
#define M16	VMXHV_MODE_REAL

static const struct test tests[] = {
	/* MOV */
	{ "mov %eax,(%rdi)", { 0x89, 0x07 }, M64, W, 0, CF, RAX, 0x8877665544332211,
	  0x44332211, 4, RAX, 0x8877665544332211, CF },
	{ "mov %rax,(%rdi)", { 0x48, 0x89, 0x07 }, M64, W, 0, 0, RAX, 0x8877665544332211,
	  0x8877665544332211, 8, RAX, 0x8877665544332211, 0 },
	{ "mov %ax,(%rdi)", { 0x66, 0x89, 0x07 }, M64, W, 0, 0, RAX, 0x8877665544332211,
	  0x2211, 2, RAX, 0x8877665544332211, 0 },
	{ "mov %ah,(%rdi)", { 0x88, 0x27 }, M64, W, 0, 0, RAX, 0x8877665544332211,
	  0x22, 1, RAX, 0x8877665544332211, 0 },
	{ "mov %sil,(%rdi)", { 0x40, 0x88, 0x37 }, M64, W, 0, 0, RSI, 0x8877665544332211,
	  0x11, 1, RSI, 0x8877665544332211, 0 },
	{ "mov %r9d,(%rdi)", { 0x44, 0x89, 0x0f }, M64, W, 0, 0, R9, 0x8877665544332211,
	  0x44332211, 4, R9, 0x8877665544332211, 0 },
	{ "mov (%rdi),%eax clears the upper half", { 0x8b, 0x07 }, M64, R, 0x1122334455667788, 0,
	  RAX, ~0ull, 0x1122334455667788, 4, RAX, 0x55667788, 0 },
	{ "mov (%rdi),%ax keeps the rest", { 0x66, 0x8b, 0x07 }, M64, R, 0x7788, 0, RAX, ~0ull,
	  0x7788, 2, RAX, 0xffffffffffff7788, 0 },
	{ "mov (%rdi),%bh", { 0x8a, 0x3f }, M64, R, 0x88, 0, RBX, 0, 0x88, 1, RBX, 0x8800, 0 },
	{ "mov (%rdi),%r8", { 0x4c, 0x8b, 0x07 }, M64, R, 0x1122334455667788, 0, R8, 0,
	  0x1122334455667788, 8, R8, 0x1122334455667788, 0 },
	{ "movl $0x12345678,(%rdi)", { 0xc7, 0x07, 0x78, 0x56, 0x34, 0x12 }, M64, W, 0, 0, RAX, 0,
	  0x12345678, 4, RAX, 0, 0 },
	{ "movq $-1,(%rdi) sign-extends", { 0x48, 0xc7, 0x07, 0xff, 0xff, 0xff, 0xff }, M64, W, 0,
	  0, RAX, 0, ~0ull, 8, RAX, 0, 0 },
	{ "movb $0x80,(%rdi)", { 0xc6, 0x07, 0x80 }, M64, W, 0, 0, RAX, 0, 0x80, 1, RAX, 0, 0 },
	{ "movabs 0xd0000000,%eax", { 0xa1, 0, 0, 0, 0xd0, 0, 0, 0, 0 }, M64, R, 0x55667788, 0,
	  RAX, 0, 0x55667788, 4, RAX, 0x55667788, 0 },
	{ "movabs %al,0xd0000000", { 0xa2, 0, 0, 0, 0xd0, 0, 0, 0, 0 }, M64, W, 0, 0, RAX, 0x1234,
	  0x34, 1, RAX, 0x1234, 0 },
	{ "32-bit: mov %eax,(%edi)", { 0x89, 0x07 }, M32, W, 0, 0, RAX, 0x44332211, 0x44332211, 4,
	  RAX, 0x44332211, 0 },
	{ "32-bit: mov 0xd0000000,%eax", { 0xa1, 0, 0, 0, 0xd0 }, M32, R, 0x55667788, 0, RAX, 0,
	  0x55667788, 4, RAX, 0x55667788, 0 },
	{ "16-bit: mov %ax,(%di)", { 0x89, 0x05 }, M16, W, 0, 0, RAX, 0x12345678, 0x5678, 2, RAX,
	  0x12345678, 0 },
	{ "16-bit: mov (%di),%eax", { 0x66, 0x8b, 0x05 }, M16, R, 0x55667788, 0, RAX, 0,
	  0x55667788, 4, RAX, 0x55667788, 0 },
	{ "movzbl (%rdi),%eax", { 0x0f, 0xb6, 0x07 }, M64, R, 0xff, 0, RAX, ~0ull, 0xff, 1, RAX,
	  0xff, 0 },
	{ "movzwl (%rdi),%eax", { 0x0f, 0xb7, 0x07 }, M64, R, 0xffff, 0, RAX, ~0ull, 0xffff, 2,
	  RAX, 0xffff, 0 },
	{ "movsbl (%rdi),%eax", { 0x0f, 0xbe, 0x07 }, M64, R, 0x80, 0, RAX, 0, 0x80, 1, RAX,
	  0xffffff80, 0 },
	{ "movsbq (%rdi),%rax", { 0x48, 0x0f, 0xbe, 0x07 }, M64, R, 0x80, 0, RAX, 0, 0x80, 1, RAX,
	  0xffffffffffffff80, 0 },
	{ "movswl (%rdi),%eax", { 0x0f, 0xbf, 0x07 }, M64, R, 0x8000, 0, RAX, 0, 0x8000, 2, RAX,
	  0xffff8000, 0 },
	{ "movslq (%rdi),%rax", { 0x48, 0x63, 0x07 }, M64, R, 0x80000000, 0, RAX, 0, 0x80000000, 4,
	  RAX, 0xffffffff80000000, 0 },
	{ "movnti %eax,(%rdi)", { 0x0f, 0xc3, 0x07 }, M64, W, 0, 0, RAX, 0x11223344, 0x11223344, 4,
	  RAX, 0x11223344, 0 },
	{ "movbe (%rdi),%eax", { 0x0f, 0x38, 0xf0, 0x07 }, M64, R, 0x11223344, 0, RAX, 0,
	  0x11223344, 4, RAX, 0x44332211, 0 },
	/* arithmetic */
	{ "andl $0xf,(%rdi)", { 0x83, 0x27, 0x0f }, M64, R | W, 0xf0, CF | OF, RAX, 0, 0, 4, RAX,
	  0, ZF | PF },
	{ "andl $-16,(%rdi) sign-extends", { 0x83, 0x27, 0xf0 }, M64, R | W, 0xffffffff, 0, RAX, 0,
	  0xfffffff0, 4, RAX, 0, SF | PF },
	{ "orl %eax,(%rdi)", { 0x09, 0x07 }, M64, R | W, 0x80000000, CF, RAX, 1, 0x80000001, 4,
	  RAX, 1, SF },
	{ "or (%rdi),%eax", { 0x0b, 0x07 }, M64, R, 0x80000000, 0, RAX, ~0ull << 32 | 1,
	  0x80000000, 4, RAX, 0x80000001, SF },
	{ "xorb $0xff,(%rdi)", { 0x80, 0x37, 0xff }, M64, R | W, 0xff, 0, RAX, 0, 0, 1, RAX, 0,
	  ZF | PF },
	{ "addl $1,(%rdi) overflows", { 0x83, 0x07, 0x01 }, M64, R | W, 0x7fffffff, 0, RAX, 0,
	  0x80000000, 4, RAX, 0, OF | SF | AF | PF },
	{ "addb $1,(%rdi) carries", { 0x80, 0x07, 0x01 }, M64, R | W, 0xff, 0, RAX, 0, 0, 1, RAX,
	  0, CF | ZF | AF | PF },
	{ "adcl $0,(%rdi) with carry", { 0x83, 0x17, 0x00 }, M64, R | W, 0xffffffff, CF, RAX, 0, 0,
	  4, RAX, 0, CF | ZF | AF | PF },
	{ "sub (%rdi),%eax borrows", { 0x2b, 0x07 }, M64, R, 2, 0, RAX, 1, 2, 4, RAX, 0xffffffff,
	  CF | SF | AF | PF },
	{ "sbbq %rax,(%rdi)", { 0x48, 0x19, 0x07 }, M64, R | W, 5, CF, RAX, 4, 0, 8, RAX, 4,
	  ZF | PF },
	{ "incl (%rdi) keeps CF", { 0xff, 0x07 }, M64, R | W, 0xffffffff, CF, RAX, 0, 0, 4, RAX, 0,
	  CF | ZF | AF | PF },
	{ "decb (%rdi)", { 0xfe, 0x0f }, M64, R | W, 0x80, 0, RAX, 0, 0x7f, 1, RAX, 0, OF | AF },
	{ "negl (%rdi)", { 0xf7, 0x1f }, M64, R | W, 1, 0, RAX, 0, 0xffffffff, 4, RAX, 0,
	  CF | SF | AF | PF },
	{ "notl (%rdi) keeps the flags", { 0xf7, 0x17 }, M64, R | W, 0x0f, CF | ZF, RAX, 0,
	  0xfffffff0, 4, RAX, 0, CF | ZF },
	{ "cmpl $5,(%rdi) equal", { 0x83, 0x3f, 0x05 }, M64, R, 5, CF, RAX, 0, 5, 4, RAX, 0,
	  ZF | PF },
	{ "cmp (%rdi),%eax", { 0x3b, 0x07 }, M64, R, 6, 0, RAX, 5, 6, 4, RAX, 5,
	  CF | SF | AF | PF },
	{ "testb $0x80,(%rdi)", { 0xf6, 0x07, 0x80 }, M64, R, 0x80, CF, RAX, 0, 0x80, 1, RAX, 0,
	  SF },
	{ "testl %eax,(%rdi)", { 0x85, 0x07 }, M64, R, 0xf0, OF, RAX, 0x0f, 0xf0, 4, RAX, 0x0f,
	  ZF | PF },
	{ "xchg %eax,(%rdi)", { 0x87, 0x07 }, M64, R | W, 7, CF, RAX, ~0ull, 0xffffffff, 4, RAX, 7,
	  CF },
	{ "lock xadd %eax,(%rdi)", { 0xf0, 0x0f, 0xc1, 0x07 }, M64, R | W, 7, 0, RAX, 3, 10, 4,
	  RAX, 7, PF },
	{ "cmpxchg %ecx,(%rdi) equal", { 0x0f, 0xb1, 0x0f }, M64, R | W, 7, 0, RAX, 7,
	  0x11111111, 4, RAX, 7, ZF | PF },
	{ "cmpxchg %ecx,(%rdi) differs", { 0x0f, 0xb1, 0x0f }, M64, R | W, 8, 0, RAX, 7, 8, 4,
	  RAX, 8, CF | SF | AF | PF },
	{ "btl $3,(%rdi)", { 0x0f, 0xba, 0x27, 0x03 }, M64, R, 8, ZF, RAX, 0, 8, 4, RAX, 0,
	  CF | ZF },
	{ "bt %eax,(%rdi) by register", { 0x0f, 0xa3, 0x07 }, M64, R, 8, CF, RAX, 4, 8, 4, RAX, 4,
	  0 },
	{ "lock btsl $0,(%rdi)", { 0xf0, 0x0f, 0xba, 0x2f, 0x00 }, M64, R | W, 8, CF, RAX, 0, 9, 4,
	  RAX, 0, 0 },
	{ "btrl $3,(%rdi)", { 0x0f, 0xba, 0x37, 0x03 }, M64, R | W, 8, 0, RAX, 0, 0, 4, RAX, 0,
	  CF },
	/* strings, without rep */
	{ "stosl", { 0xab }, M64, W, 0, 0, RDI, 0x100, 0, 4, RDI, 0x104, 0 },
	{ "std; stosb", { 0xaa }, M64, W, 0, DF, RDI, 0x100, 0, 1, RDI, 0xff, 0 },
	{ "lodsw", { 0x66, 0xad }, M64, R, 0xbeef, 0, RAX, ~0ull, 0xbeef, 2, RAX,
	  0xffffffffffffbeef, 0 },
	{ "32-bit address wraps: stosb", { 0x67, 0xaa }, M64, W, 0, 0, RDI, 0xffffffff, 0, 1, RDI,
	  0, 0 },
	{ "16-bit address keeps the rest: stosb", { 0xaa }, M16, W, 0, 0, RDI, 0x1ffff, 0, 1, RDI,
	  0x10000, 0 },
};

static void set_up(struct vmxhv_run *run, const uint8_t *insn, uint8_t mode, uint8_t access)
{
	unsigned int i;

	memset(run, 0, sizeof(*run));
	run->valid = VMXHV_GROUP_GPRS | VMXHV_GROUP_SREGS;
	run->exit_reason = VMXHV_EXIT_MMIO;
	run->hw.valid = VMXHV_HW_GLA;
	run->u.mmio.gpa = DEVICE;
	run->u.mmio.gva = DEVICE;
	run->u.mmio.mode = mode;
	run->u.mmio.access = access;
	run->u.mmio.insn_count = 15;
	memcpy(run->u.mmio.insn, insn, 15);
	for (i = 0; i < 16; i++)
		run->gprs.gpr[i] = 0x1111111111111111ull * i;
	run->gprs.gpr[RSI] = DEVICE;
	run->gprs.gpr[RDI] = DEVICE;
	if (mode == M16)
		run->sregs.ds.base = DEVICE;
	run->gprs.rip = 0x1000;
}

static unsigned int length_of(const struct test *test)
{
	unsigned int length = 15;

	/* All tables end in zeros; those of the instruction itself are known by name. */
	while (length > 1 && !test->insn[length - 1])
		length--;
	return length;
}

static void run_test(struct tap *t, const struct test *test)
{
	struct device device = { .value = test->device };
	struct vmxhv_run run;
	struct vmxhv_vcpu vcpu = { .fd = -1, .run = &run };
	const struct vmxhv_exit_mmio *mmio = &run.u.mmio;
	bool ok;
	int err;

	set_up(&run, test->insn, test->mode, test->access);
	run.gprs.gpr[test->reg] = test->value;
	if (test->reg == RDI)
		run.u.mmio.gva = test->mode == M16 ? test->value & 0xffff : test->value;
	run.gprs.rflags = test->rflags | 2;
	err = vmxhv_mmio_complete(&vcpu, &ops, &device);
	ok = !err && device.value == test->device_after && device.width == test->width &&
	     device.address == DEVICE && run.gprs.gpr[test->out] == test->out_value &&
	     (run.gprs.rflags & FLAGS) == test->flags_after &&
	     device.reads == !!(test->access & R) && device.writes == !!(test->access & W) &&
	     mmio->completion == VMXHV_MMIO_RETIRE && mmio->retire_len >= length_of(test) &&
	     run.gprs.rip == 0x1000 + mmio->retire_len && run.dirty == VMXHV_GROUP_GPRS;
	if (!tap(t, ok, test->name))
		printf("# err %d, device %#llx, width %u, register %#llx, flags %#llx\n", err,
		       (unsigned long long)device.value, device.width, run.gprs.gpr[test->out],
		       run.gprs.rflags & FLAGS);
}

/* rep movsd from the device to memory: two exits, the second retires. */
static void test_rep_movs(struct tap *t)
{
	static const uint8_t insn[15] = { 0xf3, 0xa5 };
	static struct device device;
	struct vmxhv_run run;
	struct vmxhv_vcpu vcpu = { .fd = -1, .run = &run };
	uint32_t data[2];

	device.value = 0xcafe;
	set_up(&run, insn, M64, R);
	run.gprs.gpr[RCX] = 2;
	run.gprs.gpr[RSI] = DEVICE;
	run.gprs.gpr[RDI] = 0x2000;
	tap_eq(t, vmxhv_mmio_complete(&vcpu, &ops, &device), 0, "rep movsl: first");
	tap_eq(t, run.u.mmio.completion, VMXHV_MMIO_ITERATION, "rep movsl: RIP stays");
	tap_eq(t, run.gprs.rip, 0x1000, "rep movsl: RIP in the run area stays");
	tap_eq(t, run.gprs.gpr[RCX], 1, "rep movsl: one less to do");
	device.value = 0xbeef;
	run.u.mmio.gva += 4;
	run.u.mmio.gpa += 4;
	tap_eq(t, vmxhv_mmio_complete(&vcpu, &ops, &device), 0, "rep movsl: second");
	tap_eq(t, run.u.mmio.completion, VMXHV_MMIO_RETIRE, "rep movsl: done");
	tap_eq(t, run.gprs.gpr[RSI], DEVICE + 8, "rep movsl: source moved on");
	memcpy(data, device.ram + 0x2000, sizeof(data));
	tap(t, data[0] == 0xcafe && data[1] == 0xbeef, "rep movsl: memory has both");
}

/* movs to the device whose source crosses a page. */
static void test_movs_crossing(struct tap *t)
{
	static const uint8_t insn[15] = { 0xa5 };
	static struct device device;
	struct vmxhv_run run;
	struct vmxhv_vcpu vcpu = { .fd = -1, .run = &run };

	set_up(&run, insn, M64, W);
	memcpy(device.ram + 0xffe, "\x11\x22\x33\x44", 4);
	run.gprs.gpr[RSI] = 0xffe;
	run.gprs.gpr[RDI] = DEVICE;
	tap_eq(t, vmxhv_mmio_complete(&vcpu, &ops, &device), 0, "movsl across pages");
	tap_eq(t, device.value, 0x44332211, "movsl across pages: the value");
}

/* movs from the device to a page that is not there: the guest gets the #PF, nothing is read. */
static void test_movs_fault(struct tap *t)
{
	static const uint8_t insn[15] = { 0xa4 };
	static struct device device;
	struct vmxhv_run run;
	struct vmxhv_vcpu vcpu = { .fd = -1, .run = &run };

	set_up(&run, insn, M64, R);
	run.gprs.gpr[RDI] = ABSENT + 0x234;
	tap_eq(t, vmxhv_mmio_complete(&vcpu, &ops, &device), 0, "movsb to an absent page");
	tap_eq(t, run.u.mmio.completion, VMXHV_MMIO_FAULT, "movsb: it is a fault");
	tap_eq(t, run.u.mmio.fault_vector, 14, "movsb: #PF");
	tap_eq(t, run.u.mmio.fault_error, 2, "movsb: of a write");
	tap_eq(t, run.u.mmio.fault_address, ABSENT + 0x234, "movsb: CR2");
	tap_eq(t, device.reads, 0, "movsb: the device was not read");
	tap_eq(t, run.dirty, 0, "movsb: no register changed");
}

static void test_refusals(struct tap *t)
{
	static const struct {
		const char *name;
		uint8_t insn[15];
		uint8_t access;
		int err;
	} refused[] = {
		{ "lcall *(%rdi)", { 0xff, 0x1f }, R, -EOPNOTSUPP },
		{ "paddb (%rdi),%xmm0", { 0x66, 0x0f, 0xfc, 0x07 }, R, -EOPNOTSUPP },
		{ "addps (%rdi),%xmm0", { 0x0f, 0x58, 0x07 }, R, -EOPNOTSUPP },
		{ "fnstcw (%rdi)", { 0xd9, 0x3f }, W, -EOPNOTSUPP },
		{ "no memory operand: nop", { 0x90 }, R, -EOPNOTSUPP },
		{ "no instruction", { 0x0f, 0xff, 0xff }, R, -EOPNOTSUPP },
		{ "a fetch", { 0x8b, 0x07 }, VMXHV_MMIO_FETCH, -EOPNOTSUPP },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(refused); i++) {
		struct device device = { 0 };
		struct vmxhv_run run;
		struct vmxhv_vcpu vcpu = { .fd = -1, .run = &run };
		int err;

		set_up(&run, refused[i].insn, M64, refused[i].access);
		err = vmxhv_mmio_complete(&vcpu, &ops, &device);
		tap(t, err == refused[i].err && !run.dirty && !device.reads && !device.writes,
		    refused[i].name);
	}
}

/* By the width that is asked for; which one LGDT asks for shows only where a CPU has 57. */
static void test_canonical(struct tap *t)
{
	tap_eq(t, linear_canonical(1ull << 55, 57), true, "57 bits, where the CPU has them");
	tap_eq(t, linear_canonical(1ull << 56, 57), false, "57 bits: not canonical");
	tap_eq(t, linear_canonical(1ull << 55, 48), false, "57 bits, where there are 48");
	tap_eq(t, linear_canonical(~0ull << 47, 48), true, "48 bits: canonical");
}

int main(void)
{
	struct tap t = { 0 };
	unsigned int i;

	test_canonical(&t);
	for (i = 0; i < ARRAY_SIZE(tests); i++)
		run_test(&t, &tests[i]);
	test_rep_movs(&t);
	test_movs_crossing(&t);
	test_movs_fault(&t);
	test_refusals(&t);
	return tap_end(&t);
}
