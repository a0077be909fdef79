/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System registers: how to read and write them, and the bits Stet uses, named as in the Arm manual
 * (DDI 0487). Names that binutils 2.40 does not know under armv8.1-a go in by encoding.
 */
#pragma once

#include "lib/bits.h"
#include "lib/types.h"

#define sysreg_read(reg)                                                                           \
	({                                                                                         \
		uint64_t v_;                                                                       \
		__asm__ volatile("mrs %0, " #reg : "=r"(v_));                                      \
		v_;                                                                                \
	})
#define sysreg_write(reg, val) __asm__ volatile("msr " #reg ", %x0" ::"rZ"((uint64_t)(val)))

#define isb() __asm__ volatile("isb" ::: "memory")
/* The domains: ish = all CPUs, ishst = stores only, nsh = this CPU. */
#define dsb(domain) __asm__ volatile("dsb " #domain ::: "memory")
#define dmb(domain) __asm__ volatile("dmb " #domain ::: "memory")

/* HCR_EL2 (D19.2.48) */
#define HCR_VM	  BIT(0)
#define HCR_SWIO  BIT(1)
#define HCR_PTW	  BIT(2)
#define HCR_FMO	  BIT(3)
#define HCR_IMO	  BIT(4)
#define HCR_AMO	  BIT(5)
#define HCR_VF	  BIT(6)
#define HCR_VI	  BIT(7)
#define HCR_VSE	  BIT(8)
#define HCR_FB	  BIT(9)
#define HCR_BSU	  BITS(11, 10)
#define HCR_TWI	  BIT(13)
#define HCR_TWE	  BIT(14)
#define HCR_TID0  BIT(15)
#define HCR_TID1  BIT(16)
#define HCR_TID2  BIT(17)
#define HCR_TID3  BIT(18)
#define HCR_TSC	  BIT(19)
#define HCR_TIDCP BIT(20)
#define HCR_TACR  BIT(21)
#define HCR_TSW	  BIT(22)
#define HCR_TVM	  BIT(26)
#define HCR_TGE	  BIT(27)
#define HCR_TRVM  BIT(30)
#define HCR_RW	  BIT(31)
#define HCR_CD	  BIT(32)
#define HCR_ID	  BIT(33)
#define HCR_E2H	  BIT(34)
#define HCR_TLOR  BIT(35)
#define HCR_TERR  BIT(36)
#define HCR_TEA	  BIT(37)
#define HCR_APK	  BIT(40)
#define HCR_API	  BIT(41)
#define HCR_FWB	  BIT(46)
#define HCR_ATA	  BIT(56)
/* What HCR_EL2 always has, at EL0 with TGE beside it. */
#define HCR_BASE (HCR_E2H | HCR_RW | HCR_AMO | HCR_IMO | HCR_FMO)
#define HCR_HOST (HCR_BASE | HCR_TGE)

/* SCTLR_EL2 at E2H = 1 (D19.2.119) */
#define SCTLR_M	     BIT(0)
#define SCTLR_C	     BIT(2)
#define SCTLR_SA     BIT(3)
#define SCTLR_SA0    BIT(4)
#define SCTLR_ITD    BIT(7)
#define SCTLR_SED    BIT(8)
#define SCTLR_EOS    BIT(11)
#define SCTLR_I	     BIT(12)
#define SCTLR_DZE    BIT(14)
#define SCTLR_UCT    BIT(15)
#define SCTLR_NTWI   BIT(16)
#define SCTLR_NTWE   BIT(18)
#define SCTLR_TSCXT  BIT(20)
#define SCTLR_EIS    BIT(22)
#define SCTLR_UCI    BIT(26)
#define SCTLR_NTLSMD BIT(28)
#define SCTLR_LSMAOE BIT(29)

/* TCR_EL2 at E2H = 1 (as TCR_EL1) */
#define TCR_T0SZ BITS(5, 0)
#define TCR_WALK0                                                                                  \
	(field_set(BITS(9, 8), 1) | field_set(BITS(11, 10), 1) | field_set(BITS(13, 12), 3))
#define TCR_T1SZ BITS(21, 16)
#define TCR_WALK1                                                                                  \
	(field_set(BITS(25, 24), 1) | field_set(BITS(27, 26), 1) | field_set(BITS(29, 28), 3))
#define TCR_TG1_4K field_set(BITS(31, 30), 2)
#define TCR_IPS	   BITS(34, 32)
#define TCR_AS	   BIT(36)
#define TCR_TBI0   BIT(37)
#define TTBR_ASID  BITS(63, 48)

/* SPSR / PSTATE */
#define PSTATE_M      BITS(3, 0)
#define PSTATE_M_EL0T 0ull
#define PSTATE_M_EL2H 9ull
#define PSTATE_NRW    BIT(4)
#define PSTATE_F      BIT(6)
#define PSTATE_I      BIT(7)
#define PSTATE_A      BIT(8)
#define PSTATE_D      BIT(9)
#define PSTATE_IL     BIT(20)
#define PSTATE_SS     BIT(21)
#define PSTATE_PAN    BIT(22)
#define PSTATE_NZCV   BITS(31, 28)

/* ESR_ELx */
#define ESR_EC		BITS(31, 26)
#define ESR_IL		BIT(25)
#define ESR_ISS		BITS(24, 0)
#define ESR_FSC		BITS(5, 0) /* aborts: fault status */
#define ESR_WNR		BIT(6)	   /* data aborts */
#define ESR_CM		BIT(8)	   /* cache maintenance */
#define FSC_TYPE	BITS(5, 2) /* of ESR_FSC: without the level */
#define FSC_TRANSLATION (1u)	   /* field_get(FSC_TYPE, fsc) */
#define FSC_ACCESS	(2u)
#define FSC_PERMISSION	(3u)
#define FSC_ALIGNMENT	0x21u
enum esr_ec {
	EC_UNKNOWN = 0x00,
	EC_WFX = 0x01,
	EC_FP = 0x07,
	EC_PAUTH = 0x09,
	EC_BTI = 0x0d,
	EC_ILLEGAL = 0x0e,
	EC_SVC64 = 0x15,
	EC_HVC64 = 0x16,
	EC_SMC64 = 0x17,
	EC_SYSREG = 0x18,
	EC_SVE = 0x19,
	EC_SME = 0x1d,
	EC_IABT_LOW = 0x20,
	EC_IABT = 0x21,
	EC_PC_ALIGN = 0x22,
	EC_DABT_LOW = 0x24,
	EC_DABT = 0x25,
	EC_SP_ALIGN = 0x26,
	EC_FP_EXCEPTION = 0x2c,
	EC_SERROR = 0x2f,
	EC_BREAKPOINT_LOW = 0x30,
	EC_STEP_LOW = 0x32,
	EC_WATCHPOINT_LOW = 0x34,
	EC_BRK64 = 0x3c,
	EC_COUNT = 64,
};

/* Generic timer */
#define CNT_CTL_ENABLE	BIT(0)
#define CNT_CTL_IMASK	BIT(1)
#define CNT_CTL_ISTATUS BIT(2)

/* ID registers used at boot */
#define MMFR0_PARANGE	 BITS(3, 0)
#define MMFR0_ASIDBITS	 BITS(7, 4)
#define MMFR0_ECV	 BITS(63, 60)
#define MMFR0_FGT	 BITS(59, 56)
#define MMFR1_VMIDBITS	 BITS(7, 4)
#define MMFR1_VH	 BITS(11, 8)
#define MMFR1_PAN	 BITS(23, 20)
#define MMFR1_HCX	 BITS(43, 40)
#define PFR0_EL1	 BITS(7, 4)
#define PFR0_SVE	 BITS(35, 32)
#define PFR0_RAS	 BITS(31, 28)
#define PFR0_CSV2	 BITS(59, 56)
#define PFR1_MTE	 BITS(11, 8)
#define PFR1_SME	 BITS(27, 24)
#define ISAR0_RNDR	 BITS(63, 60)
#define ISAR1_PAUTH	 (BITS(7, 4) | BITS(11, 8) | BITS(27, 24) | BITS(31, 28))
#define id_aa64smfr0_el1 s3_0_c0_c4_5

/* Names binutils does not know here */
#define SYSREG_RNDR	   s3_3_c2_c4_0
#define SYSREG_TPIDR2_EL0  s3_3_c13_c0_5
#define SYSREG_SCXTNUM_EL0 s3_3_c13_c0_7
#define SYSREG_ID_AA64ZFR0_EL1 s3_0_c0_c4_4
#define SYSREG_ZCR_EL2	   s3_4_c1_c2_0
#define SYSREG_ZCR_EL12	   s3_5_c1_c2_0
#define SYSREG_SMCR_EL2	   s3_4_c1_c2_6
#define SYSREG_SVCR	   s3_3_c4_c2_2
/* sysreg_read()/write() of a macro name */
#define sysreg_read_named(reg)		sysreg_read_expanded(reg)
#define sysreg_read_expanded(reg)	sysreg_read(reg)
#define sysreg_write_named(reg, val)	sysreg_write_expanded(reg, val)
#define sysreg_write_expanded(reg, val) sysreg_write(reg, val)
