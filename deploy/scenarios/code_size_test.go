package scenarios_test

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// sizeLimit is what a package may have. One that is not there has nothing.
type sizeLimit struct {
	folder          string
	lines, exported int
	enforced        bool
}

var sizeLimits = []sizeLimit{ // never changes
	{".", 60, 0, true},
	{"supervisor", 1300, 40, true},
	{"supervisor/app", 1300, 40, true},
	{"supervisor/worker", 1300, 40, true},
	{"supervisor/invocation", 1300, 40, true},
}

// What a type may have.
const (
	mostMethods = 25
	mostFields  = 20
)

// What functions may be: no worse than they were. Lengths are without the first and
// the last line.
const (
	usualLength, mostLength         = 23, 47 // of 95 in 100, and of all
	usualComplexity, mostComplexity = 8, 21
)

// wideTypes are lists of facts: configuration and status.
var wideTypes = []string{"supervisor/spec.App", "supervisor/status.Worker", "supervisor/status.App"}

// codeSize has the figures of all packages that are shipped.
type codeSize struct {
	packages map[string]*packageSize
	lines    []int // of functions
	paths    []int // cyclomatic complexity of functions
	types    map[string]*typeSize
	files    []int // lines
}

type packageSize struct{ files, lines, exported, functions int }

type typeSize struct{ fields, methods int }

// TestCodeIsWithinItsSizes prints the figures, too: go test -run Code -v.
func TestCodeIsWithinItsSizes(t *testing.T) {
	s := measureCode(t)
	s.print(t)
	for _, limit := range sizeLimits {
		p := s.packages[limit.folder]
		if p == nil || p.lines <= limit.lines && p.exported <= limit.exported {
			continue
		}
		report := t.Errorf
		if !limit.enforced {
			report = t.Logf
		}
		report("%s has %d lines and %d exported names, more than %d and %d", limit.folder, p.lines, p.exported, limit.lines, limit.exported)
	}
	for _, name := range slices.Sorted(maps.Keys(s.types)) {
		if size := s.types[name]; (size.fields > mostFields || size.methods > mostMethods) && !slices.Contains(wideTypes, name) {
			t.Errorf("%s has %d fields and %d methods, more than %d and %d", name, size.fields, size.methods, mostFields, mostMethods)
		}
	}
	wantAtMost(t, "function length", s.lines, usualLength, mostLength)
	wantAtMost(t, "cyclomatic complexity", s.paths, usualComplexity, mostComplexity)
}

// wantAtMost fails if a figure is above what 95 in 100, or all, may have.
func wantAtMost(t *testing.T, what string, all []int, usual, most int) {
	t.Helper()
	sorted := slices.Sorted(slices.Values(all))
	if p95, longest := sorted[len(sorted)*95/100], sorted[len(sorted)-1]; p95 > usual || longest > most {
		t.Errorf("%s: p95 is %d and the most %d, want at most %d and %d", what, p95, longest, usual, most)
	}
}

func measureCode(t *testing.T) *codeSize {
	t.Helper()
	s := &codeSize{packages: map[string]*packageSize{}, types: map[string]*typeSize{}}
	eachGoFile(t, func(path string, set *token.FileSet, file *ast.File) {
		folder := filepath.Dir(path)
		top, _, _ := strings.Cut(folder, "/")
		if strings.HasSuffix(path, "_test.go") || top == "bench" || top == "deploy" {
			return
		}
		p := s.packages[folder]
		if p == nil {
			p = &packageSize{}
			s.packages[folder] = p
		}
		lines := set.File(file.Pos()).LineCount()
		s.files = append(s.files, lines)
		p.files++
		p.lines += lines
		for _, d := range file.Decls {
			s.declaration(p, folder, set, d)
		}
	})
	return s
}

func (s *codeSize) declaration(p *packageSize, folder string, set *token.FileSet, d ast.Decl) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		p.functions++
		s.lines = append(s.lines, max(set.Position(d.End()).Line-set.Position(d.Pos()).Line-1, 0)) // as funlen counts
		s.paths = append(s.paths, complexity(d))
		if d.Name.IsExported() && (d.Recv == nil || ast.IsExported(receiverOf(d))) {
			p.exported++
		}
		if d.Recv != nil {
			s.ofType(folder, receiverOf(d)).methods++
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				if spec.Name.IsExported() {
					p.exported++
				}
				if structure, ok := spec.Type.(*ast.StructType); ok {
					s.ofType(folder, spec.Name.Name).fields = structure.Fields.NumFields()
				}
			case *ast.ValueSpec:
				for _, name := range spec.Names {
					if name.IsExported() {
						p.exported++
					}
				}
			}
		}
	}
}

func (s *codeSize) ofType(folder, name string) *typeSize {
	full := folder + "." + name
	if s.types[full] == nil {
		s.types[full] = &typeSize{}
	}
	return s.types[full]
}

// receiverOf returns the name of a method's type.
func receiverOf(d *ast.FuncDecl) string {
	switch e := d.Recv.List[0].Type.(type) {
	case *ast.StarExpr:
		return nameIn(e.X)
	default:
		return nameIn(e)
	}
}

func nameIn(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.IndexExpr: // a type with a parameter
		return nameIn(e.X)
	default:
		return fmt.Sprintf("%T", e)
	}
}

// complexity counts the ways through a function, as McCabe does.
func complexity(d *ast.FuncDecl) int {
	n := 1
	ast.Inspect(d, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.IfStmt, *ast.ForStmt, *ast.RangeStmt, *ast.CommClause:
			n++
		case *ast.CaseClause:
			if node.List != nil {
				n++
			}
		case *ast.BinaryExpr:
			if node.Op == token.LAND || node.Op == token.LOR {
				n++
			}
		}
		return true
	})
	return n
}

func (s *codeSize) print(t *testing.T) {
	t.Helper()
	t.Logf("%-32s %5s %6s %9s %9s", "package", "files", "lines", "functions", "exported")
	total := 0
	for _, folder := range slices.Sorted(maps.Keys(s.packages)) {
		p := s.packages[folder]
		total += p.lines
		t.Logf("%-32s %5d %6d %9d %9d", folder, p.files, p.lines, p.functions, p.exported)
	}
	t.Logf("%d lines", total)
	t.Logf("function length p50/p95/max %s, cyclomatic %s, file %s", quantiles(s.lines), quantiles(s.paths), quantiles(s.files))
	wide := slices.SortedFunc(maps.Keys(s.types), func(a, b string) int {
		return cmp.Compare(max(s.types[b].fields, s.types[b].methods), max(s.types[a].fields, s.types[a].methods))
	})
	for _, name := range wide[:8] {
		t.Logf("%s: %d fields, %d methods", name, s.types[name].fields, s.types[name].methods)
	}
}

func quantiles(all []int) string {
	sorted := slices.Sorted(slices.Values(all))
	return fmt.Sprintf("%d/%d/%d", sorted[len(sorted)/2], sorted[len(sorted)*95/100], sorted[len(sorted)-1])
}
