/* SPDX-License-Identifier: GPL-2.0-only */
/* Alternatives are chosen by the compiler, which builds for the very CPU it runs on. */
#ifndef NATIVE_ASM_ALTERNATIVE_H
#define NATIVE_ASM_ALTERNATIVE_H

#define ALTERNATIVE(without, with, feature)	NATIVE_##feature(without, with)

#ifdef __XSAVEOPT__
#define NATIVE_X86_FEATURE_XSAVEOPT(without, with)	with
#else
#define NATIVE_X86_FEATURE_XSAVEOPT(without, with)	without
#endif

#ifdef __XSAVEC__
#define NATIVE_X86_FEATURE_XSAVEC(without, with)	with
#else
#define NATIVE_X86_FEATURE_XSAVEC(without, with)	without
#endif

#endif
