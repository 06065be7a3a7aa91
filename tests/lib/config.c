// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "config.h"
#include "refusal.h"
#include "tap.h"

void configured(struct machine *m, struct cpu *c, const struct vmxhv_config *config,
		const char *image)
{
	struct vmxhv_config arg = *config;
	int ret;

	machine_create(m, 1 << 20);
	arg.size = sizeof(arg);
	ret = call(m->vm, VMXHV_CONFIG, &arg);
	if (ret)
		tap_bail("CONFIG: %s: %.96s", strerror(-ret), last_error(m->vm).text);
	load_guest(m, image);
	cpu_create(m, c, 0);
}

void prepare(struct cpu *c, unsigned int entry, uint32_t ecx, uint64_t edx_eax)
{
	uint32_t *data = (uint32_t *)(c->m->ram + DATA_BASE);

	cpu_start(c, MODE_LONG, entry);
	data[0] = ecx;
	data[1] = edx_eax;
	data[2] = edx_eax >> 32;
}
