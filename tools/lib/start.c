// SPDX-License-Identifier: GPL-2.0-only
/* States to start a guest from: flat real mode, flat 32-bit mode and flat 64-bit mode. */
#include <string.h>

#include "internal.h"
#include "util.h"

/* Access rights as the VMCS has them: type, S, DPL, P in the low byte; L, D, G above. */
#define AR_CODE16	0x009b
#define AR_DATA16	0x0093
#define AR_CODE32	0xc09b
#define AR_CODE64	0xa09b
#define AR_DATA_FLAT	0xc093		/* in 32-bit and 64-bit mode */
#define AR_TSS_BUSY	0x008b
#define AR_UNUSABLE	0x10000

#define CR0_PE		BIT_ULL(0)
#define CR0_ET		BIT_ULL(4)
#define CR0_NE		BIT_ULL(5)
#define CR0_PG		BIT_ULL(31)
#define CR4_PAE		BIT_ULL(5)
#define EFER_LME	BIT_ULL(8)
#define EFER_LMA	BIT_ULL(10)

#define RFLAGS_FIXED	0x2
#define GPR_RAX		0
#define GPR_RBX		3
#define GPR_RSP		4
#define GPR_RSI		6

struct mode {
	struct vmxhv_segment code, data;	/* data: of all the others */
	struct vmxhv_table gdtr, idtr;
	uint64_t cr0, cr3, cr4, efer;
};

/* What is not of the mode (the APIC base, CR2 ...) stays as the vCPU has it. */
static int start_in(struct vmxhv_vcpu *vcpu, const struct mode *mode, const struct vmxhv_gprs *gprs)
{
	struct vmxhv_sregs sregs;
	int err;

	err = vmxhv_vcpu_get_sregs(vcpu, &sregs);
	if (err)
		return err;
	sregs.cs = mode->code;
	sregs.ds = mode->data;
	sregs.es = mode->data;
	sregs.ss = mode->data;
	sregs.fs = mode->data;
	sregs.gs = mode->data;
	sregs.tr = (struct vmxhv_segment){ .limit = 0xffff, .access = AR_TSS_BUSY };
	sregs.ldtr = (struct vmxhv_segment){ .access = AR_UNUSABLE };
	sregs.gdtr = mode->gdtr;
	sregs.idtr = mode->idtr;
	sregs.cr0 = mode->cr0;
	sregs.cr3 = mode->cr3;
	sregs.cr4 = mode->cr4;
	sregs.efer = mode->efer;
	err = vmxhv_vcpu_set_sregs(vcpu, &sregs);
	return err ? err : vmxhv_vcpu_set_gprs(vcpu, gprs);
}

int vmxhv_vcpu_start_real(struct vmxhv_vcpu *vcpu, uint16_t ip)
{
	const struct mode mode = {
		.code = { .limit = 0xffff, .access = AR_CODE16 },
		.data = { .limit = 0xffff, .access = AR_DATA16 },
		.gdtr = { .limit = 0xffff }, .idtr = { .limit = 0x3ff },
		.cr0 = CR0_ET,
	};
	const struct vmxhv_gprs gprs = { .rip = ip, .rflags = RFLAGS_FIXED };

	return start_in(vcpu, &mode, &gprs);
}

int vmxhv_vcpu_start_protected(struct vmxhv_vcpu *vcpu, const struct vmxhv_protected_start *start)
{
	const struct mode mode = {
		.code = { .limit = 0xffffffff, .selector = start->cs, .access = AR_CODE32 },
		.data = { .limit = 0xffffffff, .selector = start->ds, .access = AR_DATA_FLAT },
		.gdtr = { .base = start->gdt, .limit = start->gdt_limit },
		.cr0 = CR0_PE | CR0_ET,
	};
	struct vmxhv_gprs gprs = { .rip = start->eip, .rflags = RFLAGS_FIXED };

	gprs.gpr[GPR_RAX] = start->eax;
	gprs.gpr[GPR_RBX] = start->ebx;
	return start_in(vcpu, &mode, &gprs);
}

int vmxhv_vcpu_start_long(struct vmxhv_vcpu *vcpu, const struct vmxhv_long_start *start)
{
	const struct mode mode = {
		.code = { .limit = 0xffffffff, .selector = start->cs, .access = AR_CODE64 },
		.data = { .limit = 0xffffffff, .selector = start->ds, .access = AR_DATA_FLAT },
		.gdtr = { .base = start->gdt, .limit = start->gdt_limit },
		.cr0 = CR0_PE | CR0_ET | CR0_NE | CR0_PG,
		.cr3 = start->cr3, .cr4 = CR4_PAE, .efer = EFER_LME | EFER_LMA,
	};
	struct vmxhv_gprs gprs = { .rip = start->rip, .rflags = RFLAGS_FIXED };

	gprs.gpr[GPR_RSP] = start->rsp;
	gprs.gpr[GPR_RSI] = start->rsi;
	return start_in(vcpu, &mode, &gprs);
}

void vmxhv_identity_map(void *tables, uint64_t gpa)
{
	const uint64_t table = 0x3;		/* present, writable */
	const uint64_t page_2m = 0x83;		/* and PS */
	uint64_t *pml4 = tables;
	uint64_t *pdpt = pml4 + 512;
	uint64_t *pd = pdpt + 512;
	unsigned int i;

	memset(tables, 0, VMXHV_IDENTITY_MAP_PAGES * VMXHV_PAGE_SIZE);
	pml4[0] = (gpa + VMXHV_PAGE_SIZE) | table;
	for (i = 0; i < 4; i++)
		pdpt[i] = (gpa + (2 + i) * VMXHV_PAGE_SIZE) | table;
	for (i = 0; i < 4 * 512; i++)
		pd[i] = ((uint64_t)i << 21) | page_2m;
}
