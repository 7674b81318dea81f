#include "textflag.h"

// The eventfd(2) that caught adds to, and what it adds: 1.
GLOBL tally<>(SB), NOPTR, $8
DATA one<>+0(SB)/8, $1
GLOBL one<>(SB), RODATA|NOPTR, $8

// caught is the signal handler. The kernel calls it between any two
// instructions of a Go program, on the thread's signal stack: it must not touch
// Go's stack, g or TLS. write(2) is all it does; the registers come back with
// rt_sigreturn(2), to which the kernel has set the link register.
TEXT caught<>(SB), NOSPLIT|NOFRAME, $0
	MOVD tally<>(SB), R0
	MOVD $one<>(SB), R1
	MOVD $8, R2
	MOVD $64, R8 // SYS_write
	SVC
	RET

// func handlerAddress() uintptr
TEXT ·handlerAddress(SB), NOSPLIT, $0-8
	MOVD $caught<>(SB), R0
	MOVD R0, ret+0(FP)
	RET

// func restorerAddress() uintptr
TEXT ·restorerAddress(SB), NOSPLIT, $0-8
	MOVD ZR, ret+0(FP)
	RET

// func tally() int
TEXT ·tally(SB), NOSPLIT, $0-8
	MOVD tally<>(SB), R0
	MOVD R0, ret+0(FP)
	RET

// func setTally(fd int)
TEXT ·setTally(SB), NOSPLIT, $0-8
	MOVD fd+0(FP), R0
	MOVD R0, tally<>(SB)
	RET
