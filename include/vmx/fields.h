/* SPDX-License-Identifier: GPL-2.0-only */
/* The VMCS's fields: encodings, names, and what an encoding says of itself. */
#ifndef VMX_FIELDS_H
#define VMX_FIELDS_H

#include <linux/types.h>

enum vmcs_field {
#include "vmx/fields.def"
};

/* SDM "VMCS Component Encoding": bit 0 access type, 9:1 index, 11:10 type, 14:13 width */
enum vmcs_width {
	VMCS_WIDTH_16 = 0,
	VMCS_WIDTH_64 = 1,
	VMCS_WIDTH_32 = 2,
	VMCS_WIDTH_N = 3,
};

enum vmcs_group {
	VMCS_GROUP_CONTROL = 0,
	VMCS_GROUP_EXIT = 1,
	VMCS_GROUP_GUEST = 2,
	VMCS_GROUP_HOST = 3,
};

#define VMCS_WIDTH(encoding)	(((encoding) >> 13) & 3)
#define VMCS_GROUP(encoding)	(((encoding) >> 10) & 3)
#define VMCS_INDEX(encoding)	(((encoding) >> 1) & 0x1ff)

/**
 * struct vmcs_field_info - one row of the field table
 * @encoding: the field's encoding, access type "full"
 * @width: its width
 * @group: the area it belongs to
 * @name: its name, as in enum vmcs_field
 */
struct vmcs_field_info {
	u32 encoding;
	enum vmcs_width width;
	enum vmcs_group group;
	const char *name;
};

extern const struct vmcs_field_info vmcs_field_table[];
extern const unsigned int vmcs_field_count;

const char *vmcs_field_name(u32 encoding);

#endif /* VMX_FIELDS_H */
