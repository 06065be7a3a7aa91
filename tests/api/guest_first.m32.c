// SPDX-License-Identifier: GPL-2.0-only
/* The same, from a 32-bit process. */
#include "guest_first.c"
