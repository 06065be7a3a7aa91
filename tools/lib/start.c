// SPDX-License-Identifier: GPL-2.0-only
/* States to start a guest from: flat real mode and flat 64-bit mode. */
#include <string.h>

#include "internal.h"
#include "util.h"

/* Access rights as the VMCS has them: type, S, DPL, P in the low byte; L, D, G above. */
#define AR_CODE16	0x009b
#define AR_DATA16	0x0093
#define AR_CODE64	0xa09b
#define AR_DATA64	0xc093
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
#define GPR_RSP		4
#define GPR_RSI		6

static void set_segments(struct vmxhv_sregs *sregs, const struct vmxhv_segment *code,
			 const struct vmxhv_segment *data)
{
	sregs->cs = *code;
	sregs->ds = *data;
	sregs->es = *data;
	sregs->ss = *data;
	sregs->fs = *data;
	sregs->gs = *data;
	sregs->tr = (struct vmxhv_segment){ .limit = 0xffff, .access = AR_TSS_BUSY };
	sregs->ldtr = (struct vmxhv_segment){ .access = AR_UNUSABLE };
}

int vmxhv_vcpu_start_real(struct vmxhv_vcpu *vcpu, uint16_t ip)
{
	const struct vmxhv_segment code = { .limit = 0xffff, .access = AR_CODE16 };
	const struct vmxhv_segment data = { .limit = 0xffff, .access = AR_DATA16 };
	const struct vmxhv_gprs gprs = { .rip = ip, .rflags = RFLAGS_FIXED };
	struct vmxhv_sregs sregs;
	int err;

	err = vmxhv_vcpu_get_sregs(vcpu, &sregs);
	if (err)
		return err;
	set_segments(&sregs, &code, &data);
	sregs.idtr = (struct vmxhv_table){ .limit = 0x3ff };
	sregs.cr0 = CR0_ET;
	sregs.cr3 = 0;
	sregs.cr4 = 0;
	sregs.efer = 0;
	err = vmxhv_vcpu_set_sregs(vcpu, &sregs);
	return err ? err : vmxhv_vcpu_set_gprs(vcpu, &gprs);
}

int vmxhv_vcpu_start_long(struct vmxhv_vcpu *vcpu, const struct vmxhv_long_start *start)
{
	const struct vmxhv_segment code = {
		.limit = 0xffffffff, .selector = start->cs, .access = AR_CODE64,
	};
	const struct vmxhv_segment data = {
		.limit = 0xffffffff, .selector = start->ds, .access = AR_DATA64,
	};
	struct vmxhv_gprs gprs = { .rip = start->rip, .rflags = RFLAGS_FIXED };
	struct vmxhv_sregs sregs;
	int err;

	err = vmxhv_vcpu_get_sregs(vcpu, &sregs);
	if (err)
		return err;
	set_segments(&sregs, &code, &data);
	sregs.gdtr = (struct vmxhv_table){ .base = start->gdt, .limit = start->gdt_limit };
	sregs.idtr = (struct vmxhv_table){ 0 };
	sregs.cr0 = CR0_PE | CR0_ET | CR0_NE | CR0_PG;
	sregs.cr3 = start->cr3;
	sregs.cr4 = CR4_PAE;
	sregs.efer = EFER_LME | EFER_LMA;
	err = vmxhv_vcpu_set_sregs(vcpu, &sregs);
	if (err)
		return err;
	gprs.gpr[GPR_RSP] = start->rsp;
	gprs.gpr[GPR_RSI] = start->rsi;
	return vmxhv_vcpu_set_gprs(vcpu, &gprs);
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
