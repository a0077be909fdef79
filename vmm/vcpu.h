/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

struct vm;
struct kvm_run;
struct kvm_vcpu_init;

struct vcpu {
	struct vm *vm;
	unsigned index;
	int fd;
	struct kvm_run *run; /* shared with the kernel */
	pthread_t thread;
	atomic_bool stopping; /* release in vcpu_kick(), acquire in the run loop */
};

/* Make vCPU `index`; all but number 0 start switched off. Dies if it cannot. */
void vcpu_create(struct vcpu *vcpu, struct vm *vm, unsigned index,
		 const struct kvm_vcpu_init *init);
void vcpu_destroy(struct vcpu *vcpu);

/* Where the vCPU begins, and its x0. Interrupts masked, at EL1 (Linux's arm64 boot protocol). */
void vcpu_set_entry(struct vcpu *vcpu, uint64_t entry, uint64_t argument);

/* The affinity bits of MPIDR_EL1, as the device tree wants them. */
uint64_t vcpu_mpidr(const struct vcpu *vcpu);

/* Start its thread; make it leave KVM_RUN for good; wait until it has. */
void vcpu_start(struct vcpu *vcpu);
void vcpu_kick(struct vcpu *vcpu);
void vcpu_join(struct vcpu *vcpu);
