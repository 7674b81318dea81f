package ecosystem

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"unicode"

	"github.com/joho/godotenv"
)

// readEnvFile reads a regular file: a pipe would be empty at the next load,
// and could block this one.
func readEnvFile(path string) (map[string]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, errors.New(reason(err))
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("is not a regular file")
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, errors.New(reason(err))
	}
	defer file.Close()
	content, err := readBounded(file)
	if err != nil {
		return nil, err
	}
	if bytes.ContainsRune(content, 0) {
		return nil, errors.New("contains a NUL byte")
	}
	return parseDotenv(content)
}

// parseDotenv drops the parser's messages, which quote the file: it may hold
// secrets.
func parseDotenv(content []byte) (map[string]string, error) {
	vars, err := godotenv.UnmarshalBytes(content)
	if err != nil {
		return nil, dotenvFault(content, err)
	}
	for name := range vars {
		if name == "" || strings.ContainsFunc(name, unicode.IsSpace) {
			return nil, errors.New("a line is not NAME=value")
		}
	}
	return vars, nil
}

func dotenvFault(content []byte, err error) error {
	message := err.Error()
	if strings.HasPrefix(message, "unterminated quoted value") {
		return errors.New("a quote is not closed")
	}
	_, near, _ := strings.Cut(message, " near ")
	rest, err := strconv.Unquote(near)
	if err != nil {
		return errors.New("is not in dotenv format")
	}
	line := 1 + bytes.Count(bytes.TrimSuffix(content, []byte(rest)), []byte("\n"))
	return fmt.Errorf("line %d is not NAME=value", line)
}
