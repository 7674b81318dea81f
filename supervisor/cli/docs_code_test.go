package cli

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// code is what the repository declares. Nobody changes it after it was read.
type code struct {
	packages map[string]*codePackage    // of the program, by folder
	files    map[string]map[string]bool // functions and methods of each file, by path
	names    map[string]bool            // whatever has a name: run, App.Run, app.App.Run, app.New
	texts    map[string]bool            // string literals, and the words of comments that begin with //go:
	bases    map[string]bool            // names of files
}

// codePackage is a package of the program.
type codePackage struct {
	name     string
	synopsis string   // the first sentence of its comment
	imports  []string // packages of the program, by folder
}

var readOnce struct {
	sync.Once
	code code
	err  error
}

// readCode parses the repository, once for all tests.
func readCode(t *testing.T) *code {
	t.Helper()
	readOnce.Do(func() { readOnce.err = readOnce.code.read() })
	if readOnce.err != nil {
		t.Fatal(readOnce.err)
	}
	return &readOnce.code
}

func (c *code) read() error {
	*c = code{map[string]*codePackage{}, map[string]map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}}
	return filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == ".git" || entry.Name() == ".bin" || entry.Name() == "node_modules"):
			return fs.SkipDir
		case entry.IsDir():
			return nil
		}
		c.bases[entry.Name()] = true
		if !strings.HasSuffix(file, ".go") {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		c.add(filepath.ToSlash(relative), parsed)
		return nil
	})
}

// add adds what a file declares.
func (c *code) add(file string, parsed *ast.File) {
	c.files[file] = map[string]bool{}
	name := parsed.Name.Name
	for _, declaration := range parsed.Decls {
		if f, ok := declaration.(*ast.FuncDecl); ok {
			c.files[file][f.Name.Name] = true
			c.declare(name, receiver(f), f.Name.Name)
		}
	}
	ast.Inspect(parsed, func(node ast.Node) bool {
		switch n := node.(type) {
		case *ast.TypeSpec:
			c.declare(name, "", n.Name.Name)
			c.addMembers(name, n)
		case *ast.ValueSpec:
			for _, ident := range n.Names {
				c.declare(name, "", ident.Name)
			}
		case *ast.BasicLit:
			if text, err := strconv.Unquote(n.Value); n.Kind == token.STRING && err == nil && !ofDocs(file) {
				c.texts[text] = true
			}
		}
		return true
	})
	for _, group := range parsed.Comments {
		for _, comment := range group.List {
			if words, found := strings.CutPrefix(comment.Text, "//go:build "); found {
				c.texts[words] = true
			}
		}
	}
	c.addPackage(file, parsed)
}

// ofDocs reports whether a file is one of these tests, which name what does not exist.
func ofDocs(file string) bool { return strings.HasPrefix(file, "supervisor/cli/docs_") }

// addMembers adds the fields of a struct and the methods of an interface.
func (c *code) addMembers(name string, of *ast.TypeSpec) {
	var fields *ast.FieldList
	switch t := of.Type.(type) {
	case *ast.StructType:
		fields = t.Fields
	case *ast.InterfaceType:
		fields = t.Methods
	default:
		return
	}
	for _, field := range fields.List {
		for _, ident := range field.Names {
			c.declare(name, of.Name.Name, ident.Name)
		}
	}
}

// declare adds a name as it may be written: with and without its type and package.
func (c *code) declare(pkg, of, name string) {
	if of == "" {
		c.names[pkg+"."+name] = true
	} else {
		c.names[of+"."+name], c.names[pkg+"."+of+"."+name] = true, true
	}
	c.names[name] = true
}

// receiver is the type that a method belongs to; "" for a function.
func receiver(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return ""
	}
	t := f.Recv.List[0].Type
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	if generic, ok := t.(*ast.IndexExpr); ok {
		t = generic.X
	}
	if ident, ok := t.(*ast.Ident); ok {
		return ident.Name
	}
	return ""
}

// addPackage adds a file to its package. Tests, and what is beside the program, have
// none.
func (c *code) addPackage(file string, parsed *ast.File) {
	folder := path.Dir(file)
	if strings.HasSuffix(file, "_test.go") || strings.HasPrefix(file, "bench/") || strings.HasPrefix(file, "deploy/") || strings.Contains(file, "testdata/") {
		return
	}
	if c.packages[folder] == nil {
		c.packages[folder] = &codePackage{name: parsed.Name.Name}
		c.names[parsed.Name.Name] = true
	}
	p := c.packages[folder]
	if parsed.Doc != nil {
		p.synopsis = new(doc.Package).Synopsis(parsed.Doc.Text())
		if folder == "." {
			p.name = "gorun" // a command's comment names that
		}
	}
	for _, one := range parsed.Imports {
		imported, ours := strings.CutPrefix(strings.Trim(one.Path.Value, `"`), "gorun/")
		if ours && !slices.Contains(p.imports, imported) {
			p.imports = append(p.imports, imported)
		}
	}
	slices.Sort(p.imports)
}

// unknown returns the part of a name that a page has which does not exist; "": none.
// A command is looked at for its folders and its tests.
func (c *code) unknown(name string) string {
	name = strings.TrimPrefix(name, "[]")
	if strings.Contains(name, " ") {
		return c.unknownIn(name)
	}
	switch {
	case c.names[name], c.texts[name], c.texts[strings.TrimPrefix(name, "-")], c.bases[name], isGoFlag(name):
		return ""
	case strings.Contains(name, "/") || strings.HasPrefix(name, "."):
		if exists(name) || exists("supervisor/"+name) || isLibrary(name) {
			return ""
		}
	}
	return name
}

// unknownIn is unknown for a command.
func (c *code) unknownIn(command string) string {
	for word := range strings.FieldsSeq(command) {
		folder, local := strings.CutPrefix(word, "./")
		if local && !exists(strings.TrimSuffix(folder, "...")) {
			return word
		}
	}
	if match := regexp.MustCompile(`-run '?(\w+)(\$?)`).FindStringSubmatch(command); match != nil {
		named := func(name string) bool {
			return strings.HasPrefix(name, "Test") && (name == match[1] || match[2] == "" && strings.Contains(name, match[1]))
		}
		if !slices.ContainsFunc(sortedKeys(c.names), named) {
			return match[1]
		}
	}
	return ""
}

func exists(name string) bool {
	_, err := os.Stat(filepath.Join(root, name))
	return err == nil
}

// isGoFlag reports whether it is a flag of go test.
func isGoFlag(name string) bool { return name == "-race" || name == "-short" }

// isLibrary reports whether it is a package of the standard library that pages name.
func isLibrary(name string) bool { return name == "testing/synctest" }

func sortedKeys[V any](of map[string]V) []string { return slices.Sorted(maps.Keys(of)) }
