/* SPDX-License-Identifier: BSD-2-Clause */
/* Times of exits, while somebody watches. kvm's own use: watch.c has them, proc_vm.c shows them. */
#pragma once

#include "kvm/vcpu.h"

/* Why a vCPU left its guest, as users see it. */
enum watch_reason {
	WATCH_OTHER, /* undefined instructions, debug registers … */
	WATCH_WFX,
	WATCH_HVC,
	WATCH_SMC,
	WATCH_SYSREG,
	WATCH_FP,
	WATCH_SVE,
	WATCH_FAULT,	   /* of stage 2: memory, or nobody's address met for the first time */
	WATCH_MMIO_KERNEL, /* answered here: GIC, ioeventfd */
	WATCH_MMIO_VMM,
	WATCH_IRQ,
	WATCH_SERROR,
	WATCH_REASONS,
};

/* How long exits took, from leaving the guest to entering it again, in nanoseconds. */
struct watch_times {
	uint64_t count, sum, least, most;
	unsigned __int128 squares; /* sum of their squares */
};

/* Where a vCPU's time goes. */
enum watch_place {
	WATCH_HOST, /* kernel, VMM, or its thread waits for a CPU */
	WATCH_GUEST,
	WATCH_IDLE, /* it waits: WFI, or switched off */
	WATCH_PLACES,
};

struct vcpu_watch {
	struct spinlock lock; /* covers all of this */
	enum watch_place place;
	uint64_t since;		       /* ticks: there since then */
	uint64_t ticks[WATCH_PLACES]; /* before that */
	bool pending;		       /* an exit is not over */
	enum watch_reason reason;      /* of that */
	uint64_t left;		       /* ticks: when it was */
	uint64_t mmio_kernel, mmio_vmm, blocks; /* vcpu->stats then */
	struct watch_times times[WATCH_REASONS];
	uint64_t vector_loads, epoch; /* the vCPU's loads; cpu->fp_epoch when it last was there */
};

/* Begin anew with all times of the vCPU; without memory they are none. May sleep, not for long. */
void watch_begin(struct vcpu *vcpu);
/* Nobody watches any more. */
void watch_end(struct vcpu *vcpu);

/* The run loop of a vCPU with REQ_WATCH, masked: into the guest, out of it, the exit was answered. */
void watch_enter(struct vcpu *vcpu);
void watch_leave(struct vcpu *vcpu, unsigned why, uint64_t esr);
void watch_handled(struct vcpu *vcpu);
/* It has waited until now. */
void watch_waited(struct vcpu *vcpu);

/* How often its vector registers were saved and loaded since. */
uint64_t watch_vector_loads(const struct vcpu *vcpu);
uint64_t watch_vector_saves(const struct vcpu *vcpu);
/* Ticks by place until now. */
void watch_places(struct vcpu *vcpu, uint64_t ticks[WATCH_PLACES]);
/* The times of a reason, and how many exits there were in all since the vCPU was made. */
void watch_read(struct vcpu *vcpu, struct watch_times times[WATCH_REASONS], uint64_t counts[WATCH_REASONS]);
