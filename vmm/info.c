/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `stet info`: the host as a VMM sees it, by KVM_CHECK_EXTENSION. Only what matters to a guest on
 * arm64 is named; a capability the host does not know is 0. Manual: Linux's
 * Documentation/virt/kvm/api.rst.
 */
#include "info.h"

#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "report.h"

static const struct {
	int number;
	const char *name;
} capabilities[] = {
	{ KVM_CAP_NR_VCPUS, "vCPUs recommended" },
	{ KVM_CAP_MAX_VCPUS, "vCPUs at most" },
	{ KVM_CAP_NR_MEMSLOTS, "memory slots" },
	{ KVM_CAP_ARM_VM_IPA_SIZE, "bits of guest-physical address" },
	{ KVM_CAP_IRQCHIP, "interrupt controller in the kernel" },
	{ KVM_CAP_IRQFD, "irqfd" },
	{ KVM_CAP_IRQ_ROUTING, "interrupt routing" },
	{ KVM_CAP_SIGNAL_MSI, "message-signalled interrupts" },
	{ KVM_CAP_IOEVENTFD, "ioeventfd" },
	{ KVM_CAP_IMMEDIATE_EXIT, "immediate exit" },
	{ KVM_CAP_MP_STATE, "vCPU power state" },
	{ KVM_CAP_VCPU_EVENTS, "vCPU events" },
	{ KVM_CAP_ARM_PSCI_0_2, "PSCI 0.2" },
	{ KVM_CAP_READONLY_MEM, "read-only memory" },
	{ KVM_CAP_BINARY_STATS_FD, "statistics" },
	{ KVM_CAP_ARM_EL1_32BIT, "32-bit guests" },
	{ KVM_CAP_ARM_PMU_V3, "performance counters" },
	{ KVM_CAP_ARM_SVE, "SVE" },
	{ KVM_CAP_ARM_PTRAUTH_ADDRESS, "pointer authentication" },
	{ KVM_CAP_ARM_MTE, "memory tagging" },
	{ KVM_CAP_STEAL_TIME, "stolen time" },
	{ KVM_CAP_SET_GUEST_DEBUG, "guest debugging" },
};

void info_print(void)
{
	struct utsname host;
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (kvm < 0)
		die("cannot open /dev/kvm: %m");
	if (!uname(&host))
		printf("host: %s %s %s\n", host.sysname, host.release, host.machine);
	printf("KVM API version %d, shared page %d bytes\n", ioctl(kvm, KVM_GET_API_VERSION, 0),
	       ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0));
	for (size_t i = 0; i < sizeof(capabilities) / sizeof(capabilities[0]); i++)
		printf("%6d  %s\n", ioctl(kvm, KVM_CHECK_EXTENSION, capabilities[i].number),
		       capabilities[i].name);
	close(kvm);
}
