/* SPDX-License-Identifier: BSD-2-Clause */
/* What boot/ calls of kvm/. */
#pragma once

void kvm_init(void);	   /* /dev/kvm, once */
void proc_stet_init(void); /* /proc/stet/machine: proc_stet.c; and proc_vm_init() */
void kvm_cpu_leave(void);  /* the calling CPU goes off: no vCPU is in its bank any more. Masked */
void kvm_cpu_init(void);   /* each CPU: registers that never change while guests run; interrupts are
			      still masked */
