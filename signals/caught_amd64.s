#include "textflag.h"

// The eventfd(2) that caught adds to, and what it adds: 1.
GLOBL tally<>(SB), NOPTR, $8
DATA one<>+0(SB)/8, $1
GLOBL one<>(SB), RODATA|NOPTR, $8

// caught is the signal handler. The kernel calls it between any two
// instructions of a Go program, on the thread's signal stack: it must not touch
// Go's stack, g or TLS. write(2) is all it does; the registers come back with
// rt_sigreturn(2).
TEXT caught<>(SB), NOSPLIT|NOFRAME, $0
	MOVL tally<>(SB), DI
	LEAQ one<>(SB), SI
	MOVL $8, DX
	MOVL $1, AX // SYS_write
	SYSCALL
	RET

// comeBack is where caught returns to: amd64 wants the program to bring it.
TEXT comeBack<>(SB), NOSPLIT|NOFRAME, $0
	MOVL $15, AX // SYS_rt_sigreturn
	SYSCALL
	INT $3 // not reached

// func handlerAddress() uintptr
TEXT ·handlerAddress(SB), NOSPLIT, $0-8
	LEAQ caught<>(SB), AX
	MOVQ AX, ret+0(FP)
	RET

// func restorerAddress() uintptr
TEXT ·restorerAddress(SB), NOSPLIT, $0-8
	LEAQ comeBack<>(SB), AX
	MOVQ AX, ret+0(FP)
	RET

// func tally() int
TEXT ·tally(SB), NOSPLIT, $0-8
	MOVQ tally<>(SB), AX
	MOVQ AX, ret+0(FP)
	RET

// func setTally(fd int)
TEXT ·setTally(SB), NOSPLIT, $0-8
	MOVQ fd+0(FP), AX
	MOVQ AX, tally<>(SB)
	RET
