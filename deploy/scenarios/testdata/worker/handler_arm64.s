#include "textflag.h"

TEXT count34<>(SB), NOSPLIT|NOFRAME, $0
	MOVD $·arrived34(SB), R0
again:
	LDAXRW (R0), R1
	ADDW $1, R1
	STLXRW R1, (R0), R2
	CBNZ R2, again
	RET

// func handler34() uintptr
TEXT ·handler34(SB), NOSPLIT, $0-8
	MOVD $count34<>(SB), R0
	MOVD R0, ret+0(FP)
	RET
