/* SPDX-License-Identifier: GPL-2.0-only */
/* The one place that says which version this is: of the module, and of what comes with it. */
#ifndef VMXHV_VERSION_H
#define VMXHV_VERSION_H

#define VMXHV_VERSION	"0.1"

#endif /* VMXHV_VERSION_H */
