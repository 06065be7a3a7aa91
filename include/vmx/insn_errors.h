/* SPDX-License-Identifier: GPL-2.0-only */
/* VM-instruction errors by name and in words. */
#ifndef VMX_INSN_ERRORS_H
#define VMX_INSN_ERRORS_H

#include <linux/types.h>

enum vmx_insn_error {
#include "vmx/insn_errors.def"
};

const char *vmx_insn_error_text(u32 error);
const char *vmx_insn_error_name(u32 error);

#endif /* VMX_INSN_ERRORS_H */
