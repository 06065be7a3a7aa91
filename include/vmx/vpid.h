/* SPDX-License-Identifier: GPL-2.0-only */
/* Virtual-processor identifiers. */
#ifndef VMX_VPID_H
#define VMX_VPID_H

int vpid_alloc(void);
void vpid_free(int vpid);

#endif /* VMX_VPID_H */
