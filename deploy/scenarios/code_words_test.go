package scenarios_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// formerWords are words of our own that have given way to those of the manuals
// of Kubernetes, systemd, Node, the kernel and pm2, each with its replacement.
var formerWords = map[string]string{
	"aside":     "call",
	"crew":      "running workers",
	"departure": "leaving invocation",
	"discharge": "remove",
	"edition":   "revision",
	"errand":    "job",
	"farewell":  "leaving invocation",
	"forgive":   "reset counters",
	"hearing":   "sd_notify source",
	"herald":    "dispatcher",
	"ledger":    "accumulator",
	"mood":      "health level",
	"pardon":    "clear the failure",
	"parked":    "stopped by the operator",
	"recruit":   "add",
	"renewal":   "replacement",
	"roster":    "app status",
	"rouse":     "start",
	"stranger":  "refused peer",
	"tally":     "sample",
	"visitor":   "client connection",
}

// stillThere are packages and pages with former words that they may use: there are none.
var stillThere = map[string]string{}

// TestCodeUsesNoFormerWord looks at identifiers, file names, texts and comments of
// all Go files, and at the pages.
func TestCodeUsesNoFormerWord(t *testing.T) {
	used := map[string]map[string][]string{} // by folder or page and word: where
	note := func(owner, where, text string) {
		for _, word := range wordsOf(text) {
			if former := formerWord(word); former != "" {
				if used[owner] == nil {
					used[owner] = map[string][]string{}
				}
				used[owner][former] = append(used[owner][former], where)
			}
		}
	}
	eachGoFile(t, func(path string, set *token.FileSet, file *ast.File) {
		folder := filepath.Dir(path)
		note(folder, path, filepath.Base(path))
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.Ident:
				note(folder, set.Position(n.Pos()).String(), n.Name)
			case *ast.BasicLit:
				if n.Kind == token.STRING {
					note(folder, set.Position(n.Pos()).String(), n.Value)
				}
			}
			return true
		})
		for _, group := range file.Comments {
			for _, c := range group.List {
				note(folder, set.Position(c.Pos()).String(), c.Text)
			}
		}
	})
	eachFile(t, func(path string) {
		switch filepath.Ext(path) {
		case ".md":
			note(path, path, readText(t, "../../"+path))
		case ".js", ".mjs", ".html", ".css", ".py", ".sh", ".yml", ".yaml", ".json":
			note(filepath.Dir(path), path, filepath.Base(path)+" "+readText(t, "../../"+path))
		}
	})
	for _, owner := range slices.Sorted(maps.Keys(used)) {
		allowed := strings.Fields(stillThere[owner])
		for _, word := range slices.Sorted(maps.Keys(used[owner])) {
			if places := used[owner][word]; !slices.Contains(allowed, word) {
				t.Errorf("%s uses %q in %d places, the first %s; the word is %s", owner, word, len(places), places[0], formerWords[word])
			}
		}
	}
	for owner, words := range stillThere {
		for word := range strings.FieldsSeq(words) {
			if len(used[owner][word]) == 0 {
				t.Logf("%s does not use %q any more: to be taken out of stillThere", owner, word)
			}
		}
	}
}

// eachGoFile parses every Go file of the module, tests too. Paths begin at its top.
func eachGoFile(t *testing.T, f func(path string, set *token.FileSet, file *ast.File)) {
	t.Helper()
	set := token.NewFileSet()
	eachFile(t, func(path string) {
		if filepath.Ext(path) != ".go" {
			return
		}
		file, err := parser.ParseFile(set, path, readText(t, "../../"+path), parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		f(path, set, file)
	})
}

// eachFile finds every file of the module but hidden ones and this one.
func eachFile(t *testing.T, f func(path string)) {
	t.Helper()
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		switch name := filepath.Base(path); {
		case err != nil:
			return err
		case entry.IsDir() && (strings.HasPrefix(name, ".") && name != ".." || name == "node_modules"):
			return filepath.SkipDir
		case entry.Type().IsRegular() && name != "code_words_test.go":
			f(strings.TrimPrefix(path, "../../"))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

var letters = regexp.MustCompile(`\p{L}+`)

// wordsOf splits a text at what is no letter and where a capital begins a word,
// in lower case.
func wordsOf(text string) []string {
	var words []string
	for _, run := range letters.FindAllString(text, -1) {
		runes, begin := []rune(run), 0
		for i := 1; i < len(runes); i++ {
			if unicode.IsUpper(runes[i]) && (!unicode.IsUpper(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])) {
				words, begin = append(words, strings.ToLower(string(runes[begin:i]))), i
			}
		}
		words = append(words, strings.ToLower(string(runes[begin:])))
	}
	return words
}

// formerWord returns the one that a word is a form of, or "".
func formerWord(word string) string {
	for _, end := range []string{"", "s", "es", "d", "ed", "n", "ing"} {
		stem, found := strings.CutSuffix(word, end)
		for _, candidate := range []string{stem, stem + "e", strings.TrimSuffix(stem, "i") + "y"} {
			if _, former := formerWords[candidate]; found && former {
				return candidate
			}
		}
	}
	return ""
}

func TestWordsAreFoundInEveryForm(t *testing.T) {
	for text, want := range map[string]string{
		"TestAnEditionAddsRoster": "edition roster", "rousing, roused": "rouse rouse", "HTTPVisitors": "visitor", "tallies": "tally",
		"forgiven": "forgive", "additions besides the moody": "", "aside_test.go": "aside", "parkedAt": "parked",
	} {
		var found []string
		for _, word := range wordsOf(text) {
			if former := formerWord(word); former != "" {
				found = append(found, former)
			}
		}
		if got := strings.Join(found, " "); got != want {
			t.Errorf("in %q: %q, want %q", text, got, want)
		}
	}
}
