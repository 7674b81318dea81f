#include "textflag.h"

// The eventfd(2) that handler adds to, and the addend: 1.
GLOBL counterFD<>(SB), NOPTR, $8
DATA one<>+0(SB)/8, $1
GLOBL one<>(SB), RODATA|NOPTR, $8

// handler is the signal handler. The kernel calls it between any two
// instructions of a Go program, on the thread's signal stack: it must not touch
// Go's stack, g or TLS. write(2) is all it does; the registers come back with
// rt_sigreturn(2).
TEXT handler<>(SB), NOSPLIT|NOFRAME, $0
	MOVL counterFD<>(SB), DI
	LEAQ one<>(SB), SI
	MOVL $8, DX
	MOVL $1, AX // SYS_write
	SYSCALL
	RET

// sigreturn is where handler returns to: on amd64 the program must provide it.
TEXT sigreturn<>(SB), NOSPLIT|NOFRAME, $0
	MOVL $15, AX // SYS_rt_sigreturn
	SYSCALL
	INT $3 // not reached

// func handlerAddress() uintptr
TEXT ·handlerAddress(SB), NOSPLIT, $0-8
	LEAQ handler<>(SB), AX
	MOVQ AX, ret+0(FP)
	RET

// func restorerAddress() uintptr
TEXT ·restorerAddress(SB), NOSPLIT, $0-8
	LEAQ sigreturn<>(SB), AX
	MOVQ AX, ret+0(FP)
	RET

// func counterFD() int
TEXT ·counterFD(SB), NOSPLIT, $0-8
	MOVQ counterFD<>(SB), AX
	MOVQ AX, ret+0(FP)
	RET

// func setCounterFD(fd int)
TEXT ·setCounterFD(SB), NOSPLIT, $0-8
	MOVQ fd+0(FP), AX
	MOVQ AX, counterFD<>(SB)
	RET
