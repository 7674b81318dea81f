package usage

import (
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

func TestProgramMapsAreThoseThatTheFileCanGiveBack(t *testing.T) {
	const text = `00400000-00c5f000 r-xp 00000000 fe:00 1234                               /bin/my gorun
00c5f000-015e6000 r--p 0085f000 fe:00 1234                               /bin/my gorun
015e6000-016b3000 rw-p 011e6000 fe:00 1234                               /bin/my gorun
016b3000-036f9000 rw-p 00000000 00:00 0
036f9000-036fa000 r--s 00000000 fe:00 1234                               /bin/my gorun
60bb9000000-60bb9800000 r-xp 00000000 fe:00 99                           /lib/libc.so
zz-yy r-xp 00000000 fe:00 1234                                           /bin/my gorun
7ffd1000-7ffd2000 r-xp 00000000 00:00 0                                  [vdso]
`
	got := programMaps(text, "/bin/my gorun")
	if want := []mapped{{0x400000, 0xc5f000}, {0xc5f000, 0x15e6000}}; !reflect.DeepEqual(got, want) {
		t.Errorf("programMaps = %x, want %x", got, want)
	}
}

func TestTrimGivesBackPagesOfTheProgram(t *testing.T) {
	before := residentOfFiles(t)
	if err := Trim(); err != nil {
		t.Fatal(err)
	}
	if after := residentOfFiles(t); after >= before {
		t.Errorf("%d kB of files are resident, %d before", after, before)
	}
}

func residentOfFiles(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "RssFile:")
	kilobytes, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return kilobytes
}
