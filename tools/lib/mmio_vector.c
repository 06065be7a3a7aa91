// SPDX-License-Identifier: GPL-2.0-only
/*
 * Moves between memory and XMM and YMM registers. These are in the XSAVE image: the low halves in
 * its legacy region, the upper ones in the AVX component, each of them zero as long as XSTATE_BV
 * does not have its component (SDM: "XSAVE Area", "Standard Form of XRSTOR").
 */
#include <cpuid.h>
#include <errno.h>
#include <string.h>

#include "mmio.h"

#define IMAGE_SIZE	16384	/* all components that there are */
#define LEGACY_MXCSR	24
#define LEGACY_XMM	160
#define HEADER		512	/* XSTATE_BV */
#define BV_SSE		BIT_ULL(1)
#define BV_AVX		BIT_ULL(2)
#define LEAF_XSAVE	0xd
#define COMPONENT_AVX	2
#define XMM_REGISTERS	16
#define XMM_BYTES	16

struct vectors {
	uint8_t image[IMAGE_SIZE] __attribute__((__aligned__(64)));
	bool xsave;		/* a header and components, not the legacy region alone */
	unsigned int avx;	/* where the AVX component is; 0: there is none */
};

static int load_image(struct mmio_ctx *ctx, struct vectors *v)
{
	unsigned int a, b, c, d;

	memset(v, 0, sizeof(*v));
	v->xsave = __get_cpuid(1, &a, &b, &c, &d) && (c & bit_OSXSAVE);
	if (v->xsave && __get_cpuid_count(LEAF_XSAVE, COMPONENT_AVX, &a, &b, &c, &d))
		v->avx = b;
	return vmxhv_vcpu_get_state(ctx->vcpu, VMXHV_STATE_XSAVE, v->image, IMAGE_SIZE);
}

/* Is the component there? What is not is made so, all zero, if @begin. */
static bool component(struct vectors *v, uint64_t which, unsigned int at, bool begin)
{
	uint64_t have;

	if (!v->xsave)
		return which == BV_SSE;
	memcpy(&have, v->image + HEADER, sizeof(have));
	if (have & which)
		return true;
	if (!begin)
		return false;
	memset(v->image + at, 0, XMM_REGISTERS * XMM_BYTES);
	have |= which;
	memcpy(v->image + HEADER, &have, sizeof(have));
	return true;
}

static void get_register(struct vectors *v, unsigned int reg, uint8_t value[2 * XMM_BYTES])
{
	memset(value, 0, 2 * XMM_BYTES);
	if (component(v, BV_SSE, LEGACY_XMM, false))
		memcpy(value, v->image + LEGACY_XMM + reg * XMM_BYTES, XMM_BYTES);
	if (v->avx && component(v, BV_AVX, v->avx, false))
		memcpy(value + XMM_BYTES, v->image + v->avx + reg * XMM_BYTES, XMM_BYTES);
}

static bool is_zero(const uint8_t *bytes)
{
	static const uint8_t zero[XMM_BYTES];

	return !memcmp(bytes, zero, XMM_BYTES);
}

/* A component that is not there need not begin for a zero. */
static void set_register(struct vectors *v, unsigned int reg, const uint8_t value[2 * XMM_BYTES])
{
	component(v, BV_SSE, LEGACY_XMM, true);
	memcpy(v->image + LEGACY_XMM + reg * XMM_BYTES, value, XMM_BYTES);
	if (v->avx && component(v, BV_AVX, v->avx, !is_zero(value + XMM_BYTES)))
		memcpy(v->image + v->avx + reg * XMM_BYTES, value + XMM_BYTES, XMM_BYTES);
}

/* The number of an XMM or YMM register among the first sixteen, or -1. */
static int number_of(const ZydisDecodedOperand *o)
{
	const ZydisRegisterClass class = ZydisRegisterGetClass(o->reg.value);
	const int number = ZydisRegisterGetId(o->reg.value);

	if (o->type != ZYDIS_OPERAND_TYPE_REGISTER || number >= XMM_REGISTERS ||
	    (class != ZYDIS_REGCLASS_XMM && class != ZYDIS_REGCLASS_YMM))
		return -1;
	return number;
}

/* An encoding that clears what of the register is not written. */
static bool clears_upper(const struct mmio_ctx *ctx)
{
	return ctx->d.insn.encoding == ZYDIS_INSTRUCTION_ENCODING_VEX;
}

static int store(struct mmio_ctx *ctx, struct vectors *v, unsigned int kind)
{
	const struct mmio_operand *o = mmio_operand_of(ctx, 0);
	const int reg = number_of(&ctx->d.op[1]);
	uint8_t value[2 * XMM_BYTES];

	if (reg < 0 || o->width > sizeof(value))
		return -EOPNOTSUPP;
	get_register(v, reg, value);
	return mmio_store(ctx, o, value + (kind == VECTOR_HIGH ? 8 : 0));
}

/* Repeats the first @width bytes up to the register's end. */
static void repeat(uint8_t *value, unsigned int width, unsigned int length)
{
	unsigned int at;

	for (at = width; at < length; at += width)
		memcpy(value + at, value, width);
}

/* What a half that is not loaded is taken from: the second operand, or the register itself. */
static int load(struct mmio_ctx *ctx, struct vectors *v, unsigned int kind, unsigned int mem)
{
	const struct mmio_operand *o = mmio_operand_of(ctx, mem);
	const int reg = number_of(&ctx->d.op[0]);
	const int rest = mem == 2 ? number_of(&ctx->d.op[1]) : reg;
	uint8_t value[2 * XMM_BYTES], data[2 * XMM_BYTES] = { 0 };
	int err;

	if (reg < 0 || rest < 0 || o->width > sizeof(data))
		return -EOPNOTSUPP;
	err = mmio_load(ctx, o, data);
	if (err)
		return err;
	get_register(v, rest, value);
	switch (kind) {
	case VECTOR_LOW:
		memcpy(value, data, 8);
		break;
	case VECTOR_HIGH:
		memcpy(value + 8, data, 8);
		break;
	case VECTOR_REPEAT:
		repeat(data, o->width, mmio_width(ctx, 0));
		__attribute__((__fallthrough__));
	default:
		memcpy(value, data, o->width > XMM_BYTES || clears_upper(ctx) ? sizeof(data) :
		       XMM_BYTES);
	}
	if (clears_upper(ctx) && mmio_width(ctx, 0) == XMM_BYTES)
		memset(value + XMM_BYTES, 0, XMM_BYTES);
	set_register(v, reg, value);
	return vmxhv_vcpu_set_state(ctx->vcpu, VMXHV_STATE_XSAVE, v->image, IMAGE_SIZE);
}

int mmio_vector(struct mmio_ctx *ctx, unsigned int kind)
{
	struct vectors v;
	unsigned int op;
	int err;

	if (ctx->d.insn.encoding == ZYDIS_INSTRUCTION_ENCODING_EVEX)
		return -EOPNOTSUPP;
	err = load_image(ctx, &v);
	if (err)
		return err;
	if (ctx->d.op[0].type == ZYDIS_OPERAND_TYPE_MEMORY)
		return store(ctx, &v, kind);
	for (op = 1; op < 3; op++) {
		if (ctx->d.op[op].type == ZYDIS_OPERAND_TYPE_MEMORY)
			return load(ctx, &v, kind, op);
	}
	return -EOPNOTSUPP;
}

/* STMXCSR; LDMXCSR raises #GP for bits that this CPU has not: SET_STATE refuses these. */
int mmio_mxcsr(struct mmio_ctx *ctx, unsigned int load)
{
	uint64_t value = 0;
	uint32_t mxcsr;
	struct vectors v;
	int err = load_image(ctx, &v);

	if (err)
		return err;
	if (!load) {
		memcpy(&value, v.image + LEGACY_MXCSR, sizeof(mxcsr));
		return mmio_set(ctx, 0, value);
	}
	err = mmio_get(ctx, 0, &value);
	if (err)
		return err;
	mxcsr = value;
	memcpy(v.image + LEGACY_MXCSR, &mxcsr, sizeof(mxcsr));
	component(&v, BV_SSE, LEGACY_XMM, true);
	err = vmxhv_vcpu_set_state(ctx->vcpu, VMXHV_STATE_XSAVE, v.image, IMAGE_SIZE);
	return err == -EINVAL ? mmio_exception(ctx, EXCEPTION_GP, 0) : err;
}
