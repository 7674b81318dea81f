package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"gorun/supervisor/control"
	"gorun/supervisor/control/client"
	"gorun/supervisor/ecosystem"
	"gorun/supervisor/spec"
	"gorun/supervisor/usage"
)

// input is the file or script that a command line names, with its options.
type input struct {
	env     Env
	args    *cli.Context
	appArgs []string // those after "--"
	dir     string   // gorun's working directory, as it was called at the start
}

func (c *commandLine) input(args *cli.Context) (input, error) {
	dir, err := workingDir(args.Args().First())
	return input{env: c.Env, args: args, appArgs: c.appArgs, dir: dir}, err
}

// workingDir returns the working directory by the name that the path of the file or
// PWD has for it: symbolic links on the way may lead to another release later, and are
// followed anew whenever something is read or started.
func workingDir(file string) (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the working directory: %w", err)
	}
	if filepath.IsAbs(file) && sameDir(filepath.Dir(file), dir) {
		return filepath.Dir(file), nil
	}
	return dir, nil
}

func sameDir(a, b string) bool {
	one, err := os.Stat(a)
	if err != nil {
		return false
	}
	other, err := os.Stat(b)
	return err == nil && os.SameFile(one, other)
}

// load reads what the command line names.
func (i input) load() (ecosystem.File, error) {
	if i.args.NArg() != 1 {
		return ecosystem.File{}, fmt.Errorf("name one ecosystem file or script, not %d: gorun FILE|SCRIPT [options] [-- args]", i.args.NArg())
	}
	return ecosystem.Load(i.source()) //nolint:wrapcheck // its errors are for people, with positions
}

func (i input) source() ecosystem.Source {
	return ecosystem.Source{
		Path: i.args.Args().First(), Stdin: i.env.In, Dir: i.dir, Environ: i.env.Environ, CPUs: usage.CPUs(),
		EnvName: i.args.String("env"), Only: list(i.args.String("only")), Args: i.appArgs, Options: given(i.args), Strict: i.args.Bool("strict"),
		Console: i.env.Err,
	}
}

// loader reads the file of this run anew, or another one.
func (i input) loader(log *slog.Logger) control.Load {
	return func(path string, only []string) ([]spec.App, error) {
		source := i.source()
		if path != "" && !source.Is(path) { // the options of this run are for its own file
			source.Path, source.Options, source.Args, source.Only = path, nil, nil, nil
		}
		if source.Path == "-" {
			return nil, errors.New("gorun read its file from standard input, which cannot be read again; name a file")
		}
		if len(only) > 0 {
			source.Only = only
		}
		file, err := ecosystem.Load(source)
		warnAbout(log, file)
		return file.Apps, err //nolint:wrapcheck // its errors are for people, with positions
	}
}

// files are those that a command line may name in place of apps.
type files struct {
	client *client.Client
	only   []string // apps and namespaces of a file that are meant; nil: all
}

// find finds out what a word names: apps that run the script of that name, as pm2 has
// it, or an ecosystem file or a script that no app runs. It is neither where gorun has
// an app or a namespace of that name, which goes before.
func (f files) find(ctx context.Context, word string) (scriptOf []string, isFile bool) {
	info, err := os.Stat(word)
	if err != nil || !info.Mode().IsRegular() {
		return nil, false
	}
	isFile = filepath.Ext(word) != ""
	known, err := f.client.Apps(ctx)
	if err != nil {
		return nil, isFile // whatever is asked next will report it
	}
	for _, a := range known.Apps {
		if a.Name == word || a.Namespace == word {
			return nil, false
		}
		if script, err := os.Stat(a.ScriptPath); err == nil && os.SameFile(script, info) {
			scriptOf = append(scriptOf, a.Name)
		}
	}
	return scriptOf, isFile && scriptOf == nil
}

// revisionOf completes a request by the file that is named, or leaves it gorun's
// own, and by the options.
func revisionOf(args *cli.Context, r client.Revision) (client.Revision, error) {
	r.Parallel, r.Only = args.Int("parallel"), list(args.String("only"))
	if args.NArg() > 1 {
		return r, fmt.Errorf("name one file, not %d; %w", args.NArg(), errUsage)
	}
	if args.NArg() == 0 {
		return r, nil
	}
	var err error
	r.File, err = absolute(args.Args().First())
	return r, err
}

// absolute is for gorun, which has another working directory.
func absolute(file string) (string, error) {
	path, err := filepath.Abs(file)
	if err != nil {
		return "", fmt.Errorf("find %s: %w", file, err)
	}
	return path, nil
}

// targets replaces the name of each file by the apps of it that gorun has.
func (f files) targets(ctx context.Context, words []string) ([]string, error) {
	var all []string
	named := 0
	for _, word := range words {
		scriptOf, isFile := f.find(ctx, word)
		if !isFile {
			if scriptOf == nil {
				scriptOf = []string{word}
			}
			all = append(all, scriptOf...)
			continue
		}
		named++
		names, err := f.appsOf(ctx, word)
		if err != nil {
			return nil, err
		}
		all = append(all, names...)
	}
	if named == 0 && f.only != nil {
		return nil, fmt.Errorf("--only chooses among the apps of a file, and no file is named; %w", errUsage)
	}
	return all, nil
}

// appsOf returns the names of the apps of a file that gorun has.
func (f files) appsOf(ctx context.Context, file string) ([]string, error) {
	path, err := absolute(file)
	if err != nil {
		return nil, err
	}
	changes, err := f.client.Plan(ctx, client.Revision{File: path, Only: f.only, Partial: true})
	if err != nil {
		return nil, err
	}
	var names, unknown []string
	for _, change := range changes {
		if change.What == "add" {
			unknown = append(unknown, change.App)
		} else {
			names = append(names, change.App)
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s: gorun runs none of its apps: %s", file, strings.Join(unknown, ", "))
	}
	return names, nil
}
