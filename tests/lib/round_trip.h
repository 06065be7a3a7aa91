/* SPDX-License-Identifier: GPL-2.0-only */
/* Whatever GET_STATE and GET_MSRS give, SET_STATE and SET_MSRS take, and it is the same state. */
#ifndef TESTS_ROUND_TRIP_H
#define TESTS_ROUND_TRIP_H

#include <stdbool.h>

struct cpu;

/*
 * With ROUND_TRIP=N in the environment, one RUN in N, at random, finds the vCPU's whole state read
 * and written back. What the guest does must not show it. True: what came before ended with an
 * exit that RUN has to report, and this was the RUN.
 */
bool round_trip(struct cpu *c);
/* the result, for a vCPU that goes and has made such trips */
void round_trip_done(struct cpu *c);

#endif /* TESTS_ROUND_TRIP_H */
