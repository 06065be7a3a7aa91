/* SPDX-License-Identifier: GPL-2.0-only */
/* Between the files that own VMX operation; vmx/vmx.h is what the rest of the module may call. */
#ifndef VMX_OWN_OWN_H
#define VMX_OWN_OWN_H

#include <linux/types.h>

#include "vmx/caps.h"

/* percpu.c */
void vmx_percpu_init(void);
void vmx_percpu_exit(void);
int vmx_percpu_prepare(int cpu);
int vmx_percpu_error(int cpu);
void vmx_percpu_enable(void *unused);
void vmx_percpu_disable(void *unused);
void vmx_percpu_emergency(void);

/* power.c */
int vmx_power_init(void);
void vmx_power_exit(void);

/* emergency.c */
int vmx_emergency_init(void);
void vmx_emergency_exit(void);
void vmx_emergency_hold(void);

/* owner.c */
void vmx_owner_find(struct vmx_refusal *why);
bool vmx_kvm_loaded(void);

/* survey.c */
const struct vmx_cpu *vmx_survey_said(int cpu);
void vmx_survey_here(void *unused);
int vmx_survey_judge(int cpu, struct vmx_caps *caps, struct vmx_refusal *why);
int vmx_survey_all(struct vmx_caps *caps, struct vmx_refusal *why);
int vmx_survey_again(struct vmx_refusal *why);
void vmx_survey_forget(int cpu);

#endif /* VMX_OWN_OWN_H */
