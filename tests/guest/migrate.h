/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TESTS_GUEST_MIGRATE_H
#define TESTS_GUEST_MIGRATE_H

#define MIGRATE_PORT	0x320

#endif /* TESTS_GUEST_MIGRATE_H */
