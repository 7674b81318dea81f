//go:build scenarios

//nolint:thelper // bodies of subtests are no helpers
package scenarios_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Case 1.
func TestExecEndsWithTheCodeOfItsChild(t *testing.T) {
	long(t)
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		t.Parallel()
		repeat(t, 256, func(t *testing.T, code int) {
			wantCode(t, start(t, launch{mode: m, args: execArgs("exit", strconv.Itoa(code))}), code)
		})
	})
}

// Case 1.
func TestExecEndsWith128PlusTheSignalThatEndedItsChild(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		t.Parallel()
		for _, sig := range []int{1, 2, 3, 6, 9, 10, 11, 15, 31} {
			wantCode(t, start(t, launch{mode: m, args: execArgs("die", strconv.Itoa(sig))}), 128+sig)
		}
	})
}

// Case 1, with a file: a job's code is the container's.
func TestAFilesOnlyJobGivesItsCodeToTheContainer(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		t.Parallel()
		for _, code := range []int{0, 1, 2, 77, 127, 128, 255} {
			wantCode(t, start(t, fileLaunch(t, m, job("job", "exit", strconv.Itoa(code)))), code)
		}
		for _, sig := range []int{1, 6, 9, 11, 15} {
			wantCode(t, start(t, fileLaunch(t, m, job("job", "die", strconv.Itoa(sig)))), 128+sig)
		}
	})
}

// Case 2.
func TestAMissingProgramIs127AndAnUnusableOne126(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain.txt")
	writeFile(t, plain, "not executable\n", 0o644)
	for name, test := range map[string]struct {
		program string
		code    int
	}{
		"missing path":           {filepath.Join(dir, "nowhere"), 127},
		"missing in PATH":        {"no-such-program-anywhere", 127},
		"missing in a directory": {filepath.Join(plain, "x"), 127},
		"directory":              {dir, 126},
		"plain file":             {plain, 126},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBothModes(t, func(t *testing.T, m mode) {
				g := start(t, launch{mode: m, args: []string{"exec", "--", test.program}})
				if name == "missing in a directory" {
					// A path through a file is ENOTDIR: shells say 126, tini 127 or 126.
					if code := g.wait(t); code != 126 && code != 127 {
						t.Errorf("exit code %d, want 126 or 127", code)
					}
				} else {
					wantCode(t, g, test.code)
				}
				if text := g.err.all(t); !strings.Contains(text, filepath.Base(test.program)) {
					t.Errorf("stderr does not name the program: %q", text)
				}
			})
		})
	}
}

// Case 2.
func TestAnExecutableTextWithoutInterpreterLineIsRunByTheShell(t *testing.T) {
	t.Parallel()
	script := filepath.Join(t.TempDir(), "script")
	writeFile(t, script, "echo \"args: $1 $2\"\nexit 5\n", 0o755)
	if _, err := os.Stat("/bin/sh"); err != nil {
		wantCode(t, start(t, launch{args: []string{"exec", "--", script}}), 126)
		return
	}
	inBothModes(t, func(t *testing.T, m mode) {
		g := start(t, launch{mode: m, args: []string{"exec", "--", script, "a", "b c"}})
		wantCode(t, g, 5)
		if got := g.out.all(t); got != "args: a b c\n" {
			t.Errorf("the script wrote %q", got)
		}
	})
}

// Case 3.
func TestArgumentsReachTheChildUnchanged(t *testing.T) {
	t.Parallel()
	arguments := []string{"", " ", "a b", "--", "-g", "--grace", "5s", "--help", "-v", "", "--rewrite=TERM=QUIT", "ü\n\t$HOME`x`*", "--", "'\""}
	for name, prefix := range map[string][]string{
		"after --":     {"exec", "--", workerBinary, "args"},
		"without --":   {"exec", workerBinary, "args"},
		"after a flag": {"exec", "--grace", "3s", workerBinary, "args"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := run(t, launch{args: append(slices.Clone(prefix), arguments...)})
			wantCode(t, g, 0)
			if got := decode(t, g.out.all(t)); !slices.Equal(got, arguments) {
				t.Errorf("the child got %q, want %q", got, arguments)
			}
		})
	}
}

// Case 3, with a file: a list of arguments is taken as it is.
func TestAListOfArgumentsInAFileReachesTheWorkerUnchanged(t *testing.T) {
	t.Parallel()
	arguments := []string{"", " ", "a b", "--", "-i", "--help", "ü$HOME*", "'\""}
	g := start(t, fileLaunch(t, subreaper, job("job", append([]string{"args"}, arguments...)...)))
	wantCode(t, g, 0)
	if got := decode(t, g.out.all(t)); !slices.Equal(got, arguments) {
		t.Errorf("the worker got %q, want %q", got, arguments)
	}
}

// Case 4.
func TestAThousandVariablesReachTheChildUnchanged(t *testing.T) {
	t.Parallel()
	env := []string{"PATH=" + os.Getenv("PATH"), "EMPTY=", "LINES=one\ntwo\n", "EQUALS=a=b=c", "SPACE= x ", "UTF8=grüße"}
	for i := range 1000 {
		env = append(env, fmt.Sprintf("VARIABLE_%d=value %d", i, i))
	}
	inBothModes(t, func(t *testing.T, m mode) {
		t.Run("exec", func(t *testing.T) {
			g := start(t, launch{mode: m, args: execArgs("env"), onlyEnv: env})
			wantCode(t, g, 0)
			got := without(decode(t, g.out.all(t)), "GORUN_")
			want := slices.Sorted(slices.Values(env))
			if slices.Sort(got); !slices.Equal(got, want) {
				t.Errorf("environment differs: got %d variables, want %d; only in the child: %q, missing: %q",
					len(got), len(want), subtract(got, want), subtract(want, got))
			}
		})
		t.Run("file", func(t *testing.T) {
			l := fileLaunch(t, m, job("job", "env"))
			l.onlyEnv = env
			g := start(t, l)
			wantCode(t, g, 0)
			if left := subtract(env, decode(t, g.out.all(t))); len(left) > 0 {
				t.Errorf("missing in the worker: %q", left)
			}
		})
	})
}

// Case 5.
func TestStandardInputReachesTheChild(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		read, write, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		g := start(t, launch{mode: m, args: execArgs("cat", "6"), stdin: read})
		_ = read.Close()
		_, _ = write.WriteString("from a pipe\n")
		g.out.next(t, "^from a pipe$")
		_ = write.Close()
		wantCode(t, g, 6)
	})
}

// Case 5.
func TestTheCodeIsRightWithClosedStandardStreams(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		for _, closed := range []string{"0", "1", "2", "0,1,2"} {
			t.Run("closed "+closed, func(t *testing.T) {
				g := start(t, launch{mode: m, stage: []string{"-close", closed}, args: execArgs("read-all", "9")})
				wantCode(t, g, 9)
			})
			t.Run("file, closed "+closed, func(t *testing.T) {
				l := fileLaunch(t, m, job("job", "read-all", "9").with("stdin", "null"))
				l.stage = []string{"-close", closed}
				wantCode(t, start(t, l), 9)
			})
		}
	})
}

// Case 26.
func TestTheCodeComesThroughGorunInGorunInGorun(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		nested := func(worker ...string) []string {
			inner := []string{"exec", "--", gorunBinary, "exec", "--", gorunBinary, "exec", "--", workerBinary}
			return append(inner, worker...)
		}
		wantCode(t, start(t, launch{mode: m, args: nested("exit", "42")}), 42)
		wantCode(t, start(t, launch{mode: m, args: nested("die", "9")}), 137)
		g := start(t, launch{mode: m, args: nested("on-term", "7")})
		g.out.next(t, "^ready")
		g.signal(t, 15)
		wantCode(t, g, 7)
		if n := g.out.count("^got 15$"); n != 1 {
			t.Errorf("SIGTERM arrived %d times through three gorun, want once", n)
		}
	})
}

// repeat runs f n times, in two halves side by side.
func repeat(t *testing.T, n int, f func(t *testing.T, i int)) {
	t.Helper()
	for half := range 2 {
		t.Run(fmt.Sprintf("half%d", half), func(t *testing.T) {
			t.Parallel()
			for i := half; i < n && !t.Failed(); i += 2 {
				f(t, i)
			}
		})
	}
}

func decode(t *testing.T, text string) []string {
	t.Helper()
	var values []string
	if err := json.Unmarshal([]byte(text), &values); err != nil {
		t.Fatalf("%v in %q", err, shorten(text))
	}
	return values
}

// without drops the strings with a prefix.
func without(all []string, prefix string) []string {
	return slices.DeleteFunc(all, func(s string) bool { return strings.HasPrefix(s, prefix) })
}

// subtract returns what is in all and not in others.
func subtract(all, others []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return slices.Contains(others, s) })
}

func writeFile(t *testing.T, path, content string, permissions os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), permissions); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, permissions); err != nil {
		t.Fatal(err)
	}
}
