#include "textflag.h"

// The eventfd(2) that handler adds to, and the addend: 1.
GLOBL counterFD<>(SB), NOPTR, $8
DATA one<>+0(SB)/8, $1
GLOBL one<>(SB), RODATA|NOPTR, $8

// handler is the signal handler. The kernel calls it between any two
// instructions of a Go program, on the thread's signal stack: it must not touch
// Go's stack, g or TLS. write(2) is all it does; the registers come back with
// rt_sigreturn(2), to which the kernel has set the link register.
TEXT handler<>(SB), NOSPLIT|NOFRAME, $0
	MOVD counterFD<>(SB), R0
	MOVD $one<>(SB), R1
	MOVD $8, R2
	MOVD $64, R8 // SYS_write
	SVC
	RET

// func handlerAddress() uintptr
TEXT ·handlerAddress(SB), NOSPLIT, $0-8
	MOVD $handler<>(SB), R0
	MOVD R0, ret+0(FP)
	RET

// func restorerAddress() uintptr
TEXT ·restorerAddress(SB), NOSPLIT, $0-8
	MOVD ZR, ret+0(FP)
	RET

// func counterFD() int
TEXT ·counterFD(SB), NOSPLIT, $0-8
	MOVD counterFD<>(SB), R0
	MOVD R0, ret+0(FP)
	RET

// func setCounterFD(fd int)
TEXT ·setCounterFD(SB), NOSPLIT, $0-8
	MOVD fd+0(FP), R0
	MOVD R0, counterFD<>(SB)
	RET
