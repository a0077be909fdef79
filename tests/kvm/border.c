/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Arguments at the border: every ioctl that takes a structure, with a pointer to nothing, to the
 * kernel, and to a structure that ends in memory that is not there; sizes, flags and numbers that
 * are not allowed. Each is refused, and the VM is as before: it runs afterwards. Linux:
 * Documentation/virt/kvm/api.rst.
 */
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>
#include "tests/kvm/lib/vm.h"

enum target { VM, VCPU, DEVICE };

#define ROW(on, request)                                                                           \
	{                                                                                          \
		on, request, #request                                                              \
	}

/* Those that read a structure, or write one and nothing else happens. */
static const struct {
	enum target on;
	unsigned long request;
	const char *name;
} calls[] = {
	ROW(VM, KVM_SET_USER_MEMORY_REGION),
	ROW(VM, KVM_ARM_PREFERRED_TARGET),
	ROW(VM, KVM_CREATE_DEVICE),
	ROW(VM, KVM_IRQ_LINE),
	ROW(VM, KVM_IRQFD),
	ROW(VM, KVM_IOEVENTFD),
	ROW(VM, KVM_SET_GSI_ROUTING),
	ROW(VCPU, KVM_ARM_VCPU_INIT),
	ROW(VCPU, KVM_GET_ONE_REG),
	ROW(VCPU, KVM_SET_ONE_REG),
	ROW(VCPU, KVM_GET_REG_LIST),
	ROW(VCPU, KVM_GET_MP_STATE),
	ROW(VCPU, KVM_SET_MP_STATE),
	ROW(VCPU, KVM_GET_VCPU_EVENTS),
	ROW(VCPU, KVM_SET_VCPU_EVENTS),
	ROW(VCPU, KVM_HAS_DEVICE_ATTR),
	ROW(VCPU, KVM_GET_DEVICE_ATTR),
	ROW(VCPU, KVM_SET_DEVICE_ATTR),
	ROW(DEVICE, KVM_HAS_DEVICE_ATTR),
	ROW(DEVICE, KVM_GET_DEVICE_ATTR),
	ROW(DEVICE, KVM_SET_DEVICE_ATTR),
};
enum { CALLS = sizeof(calls) / sizeof(calls[0]) };

static struct vm vm;
static char *pages; /* two, of which the second cannot be accessed */
static long page_size;

static GUEST void guest_answers(uint64_t arg)
{
	guest_done(arg + 1);
}

static void create(void)
{
	page_size = sysconf(_SC_PAGESIZE);
	if (!pages) {
		pages = mmap(NULL, 2 * page_size, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		mprotect(pages + page_size, page_size, PROT_NONE);
	}
	vm_create(&vm, 2);
	expect_eq(vm_add_gic(&vm, 64), 0);
}

/* Both vCPUs still run. */
static void check_and_destroy(void)
{
	for (int n = 0; n < 2; n++) {
		uint64_t value = 0;

		vcpu_init(&vm.vcpu[n], 1u << KVM_ARM_VCPU_PSCI_0_2);
		vcpu_start(&vm.vcpu[n], guest_answers, 41);
		expect(vcpu_run_done(&vm.vcpu[n], &value));
		expect_eq(value, 42);
	}
	vm_destroy(&vm);
}

static int file_of(enum target target)
{
	return target == VM ? vm.fd : target == VCPU ? vm.vcpu[1].fd : vm.gic;
}

static void expect_fault(int n, void *argument, const char *what)
{
	long result = ioc(file_of(calls[n].on), calls[n].request, argument);

	if (!expect_eq(result, -EFAULT))
		printf("# %s, %s\n", calls[n].name, what);
}

TEST(pointers_to_nothing_and_to_the_kernel)
{
	create();
	for (int n = 0; n < CALLS; n++) {
		expect_fault(n, NULL, "NULL");
		expect_fault(n, (void *)8, "8");
		expect_fault(n, (void *)0xffff800000001000, "the kernel");
		expect_fault(n, (void *)-8, "the end of all addresses");
		expect_fault(n, pages + page_size, "no access");
	}
	check_and_destroy();
}

TEST(structures_that_end_in_memory_that_is_not_there)
{
	create();
	memset(pages, 0, page_size);
	for (int n = 0; n < CALLS; n++)
		expect_fault(n, pages + page_size - _IOC_SIZE(calls[n].request) / 2, "half of it");
	check_and_destroy();
}

/* The second level: where the structure is right and what it points at is not. */
TEST(pointers_in_structures)
{
	static const uint64_t bad[] = { 0, 8, 0xffff800000001000, -8ull };
	struct {
		struct kvm_irq_routing head;
		struct kvm_irq_routing_entry rows[1];
	} *routing = (void *)(pages + page_size - sizeof(struct kvm_irq_routing));
	uint32_t line = 0;

	create();
	for (int n = 0; n < 4; n++) {
		struct kvm_one_reg reg = { REG_CORE(regs.pc), bad[n] };
		struct kvm_device_attr attr = { .group = KVM_DEV_ARM_VGIC_GRP_DIST_REGS,
						.addr = bad[n] };

		expect_eq(ioc(vm.vcpu[0].fd, KVM_GET_ONE_REG, &reg), -EFAULT);
		expect_eq(ioc(vm.vcpu[0].fd, KVM_SET_ONE_REG, &reg), -EFAULT);
		expect_eq(ioc(vm.gic, KVM_GET_DEVICE_ATTR, &attr), -EFAULT);
		expect_eq(ioc(vm.gic, KVM_SET_DEVICE_ATTR, &attr), -EFAULT);
	}
	routing->head = (struct kvm_irq_routing){ .nr = 1 };
	expect_eq(ioc(vm.fd, KVM_SET_GSI_ROUTING, routing), -EFAULT);
	expect_eq(device_get(vm.gic, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, 8, &line), 0);
	check_and_destroy();
}

TEST(a_list_of_registers_needs_its_room)
{
	struct kvm_reg_list *list = (void *)(pages + page_size - sizeof(list->n));

	create();
	list->n = 0;
	expect_eq(ioc(vm.vcpu[0].fd, KVM_GET_REG_LIST, list), -E2BIG);
	expect(list->n > 50);
	expect_eq(ioc(vm.vcpu[0].fd, KVM_GET_REG_LIST, list), -EFAULT);
	check_and_destroy();
}

TEST(routing_tables_are_checked)
{
	struct {
		struct kvm_irq_routing head;
		struct kvm_irq_routing_entry rows[2];
	} t;

	create();
	memset(&t, 0, sizeof(t));
	t.head.flags = 1;
	expect_eq(ioc(vm.fd, KVM_SET_GSI_ROUTING, &t), -EINVAL);
	t.head.flags = 0;
	t.head.nr = 0x7fffffff;
	expect_eq(ioc(vm.fd, KVM_SET_GSI_ROUTING, &t), -EINVAL);
	t.head.nr = 1;
	t.rows[0].type = 77;
	expect_eq(ioc(vm.fd, KVM_SET_GSI_ROUTING, &t), -EINVAL);
	t.rows[0].type = KVM_IRQ_ROUTING_IRQCHIP;
	t.rows[0].flags = 8;
	expect_eq(ioc(vm.fd, KVM_SET_GSI_ROUTING, &t), -EINVAL);
	t.rows[0].flags = 0;
	t.rows[0].gsi = 1 << 20;
	expect_eq(ioc(vm.fd, KVM_SET_GSI_ROUTING, &t), -EINVAL);
	t.rows[0].gsi = 3;
	t.rows[0].u.irqchip.pin = 5000;
	expect_eq(ioc(vm.fd, KVM_SET_GSI_ROUTING, &t), -EINVAL);
	t.rows[0].u.irqchip.pin = 4;
	expect_eq(ioc(vm.fd, KVM_SET_GSI_ROUTING, &t), 0);
	check_and_destroy();
}

TEST(numbers_and_flags_are_checked)
{
	struct kvm_mp_state state = { 99 };
	struct kvm_create_device device = { .type = 1234 };
	struct kvm_one_reg reg = { REG_CORE(regs.pc) & ~KVM_REG_SIZE_MASK, (uintptr_t)&reg };
	struct kvm_irq_level line = { .irq = 7u << 24 | 40, .level = 1 };

	create();
	expect_eq(ioc(vm.vcpu[0].fd, KVM_SET_MP_STATE, &state), -EINVAL);
	expect_eq(ioc(vm.fd, KVM_CREATE_DEVICE, &device), -ENODEV);
	device.type = KVM_DEV_TYPE_ARM_VGIC_V3;
	expect_eq(ioc(vm.fd, KVM_CREATE_DEVICE, &device), -EEXIST);
	expect_eq(ioc(vm.vcpu[0].fd, KVM_GET_ONE_REG, &reg), -EINVAL);
	expect_eq(ioc(vm.fd, KVM_IRQ_LINE, &line), -EINVAL);
	line.irq = KVM_ARM_IRQ_TYPE_PPI << 24 | 5 << 16 | 20; /* a vCPU there is not */
	expect_eq(ioc(vm.fd, KVM_IRQ_LINE, &line), -EINVAL);
	line.irq = KVM_ARM_IRQ_TYPE_SPI << 24 | 1019;
	expect_eq(ioc(vm.fd, KVM_IRQ_LINE, &line), -EINVAL);
	expect_eq(ioc(vm.vcpu[0].fd, KVM_RUN, 1), -EINVAL);
	expect_eq(ioc(vm.kvm, KVM_GET_API_VERSION, 1), -EINVAL);
	expect_eq(ioc(vm.kvm, KVM_GET_VCPU_MMAP_SIZE, 1), -EINVAL);
	expect_eq(ioc(vm.kvm, KVM_CREATE_VM, 1 << 20), -EINVAL);
	check_and_destroy();
}

TEST(the_page_of_a_vcpu_is_one)
{
	void *at;

	create();
	at = mmap(NULL, page_size, PROT_READ, MAP_SHARED, vm.vcpu[0].fd, 1 << 20);
	if (at != MAP_FAILED) {
		struct fault fault = fault_read(at);

		expect(fault.signo);
		munmap(at, page_size);
	}
	check_and_destroy();
}
