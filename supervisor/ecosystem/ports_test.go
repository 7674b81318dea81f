package ecosystem

import (
	"errors"
	"strings"
	"testing"
)

// L34: two apps on one port are told with both positions, where the file has the port.
func TestL34TwoAppsOnOnePortAreAMistake(t *testing.T) {
	dir := scriptDir(t)
	const refused, warned, fine = "refused", "warned", "fine"
	for _, test := range []struct{ name, a, b, want string }{
		{"port in cluster mode", "port: 8080, exec_mode: cluster", "port: 8080, exec_mode: cluster", refused},
		{"by instances", "port: 8080, instances: 2", "port: '8080', instances: 2", refused},
		{"others", "port: 8080, exec_mode: cluster", "port: 8081, exec_mode: cluster", fine},
		{"listen", "listen: 8080", "listen: ['127.0.0.1:8081', '0.0.0.0:8080']", refused},
		{"listen at addresses of their own", "listen: '127.0.0.1:8080'", "listen: '127.0.0.2:8080'", fine},
		{"listen in two families", "listen: '0.0.0.0:8080'", "listen: '[::1]:8080'", fine},
		{"one path", "listen: ./x.sock", "listen: ./x.sock", refused},
		{"listen and port", "listen: 8080", "port: 8080, exec_mode: cluster", refused},
		{"fork mode may mean two addresses", "port: 8080", "port: 8080", warned},
		{"fork and cluster", "port: 8080", "port: 8080, exec_mode: cluster", warned},
		{"PORT in cluster mode", "env: {PORT: 8080}, exec_mode: cluster", "env: {PORT: 8080}, exec_mode: cluster", warned},
		{"PORT that nobody may listen on", "env: {PORT: 8080}", "env: {PORT: 8080}", fine},
		{"PORT that grows", "port: 8080, increment_var: PORT", "port: 8080, increment_var: PORT", fine},
		{"a spare", "port: 8080, exec_mode: cluster", "port: 8080, exec_mode: cluster, autostart: false", fine},
		{"one after the other", "port: 8080, exec_mode: cluster, autorestart: false", "port: 8080, exec_mode: cluster, depends_on: {a: completed}", fine},
		{"one beside the other", "port: 8080, exec_mode: cluster", "port: 8080, exec_mode: cluster, depends_on: [a]", refused},
	} {
		t.Run(test.name, func(t *testing.T) {
			file, err := Load(source(dir, "apps:\n  - {script: server.js, name: a, "+test.a+"}\n  - {script: server.js, name: b, "+test.b+"}"))
			found := Problems(file.Warnings)
			got := map[bool]string{true: fine, false: warned}[len(found) == 0]
			if err != nil {
				got = refused
				if !errors.As(err, &found) {
					t.Fatal(err)
				}
			}
			if got != test.want || len(found) > 1 {
				t.Errorf("%s, want %s: %v %v", got, test.want, err, file.Warnings)
			}
			if len(found) == 1 && (found[0].Line != 3 || !strings.Contains(found[0].Text, "stdin:2:")) {
				t.Errorf("%s does not have both positions", found[0])
			}
		})
	}
}
