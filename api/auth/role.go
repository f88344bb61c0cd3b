package auth

import "fmt"

// Roles are what a token allows, a bit each.
type Roles uint8

// The roles. A token without a roles claim is a buyer's.
const (
	RoleBuyer Roles = 1 << iota
	RoleSeller
	RoleOperator
	RoleAuditor
	RoleMonitor
)

var roleNames = [...]string{"buyer", "seller", "operator", "auditor", "monitor"}

// Has reports whether r has at least one of the wanted roles.
func (r Roles) Has(wanted Roles) bool { return r&wanted != 0 }

// Names returns the roles as a token spells them.
func (r Roles) Names() []string {
	var names []string
	for i, name := range roleNames {
		if r&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// ParseRoles returns the roles with these names; ErrBadToken for an unknown one.
func ParseRoles(names []string) (Roles, error) {
	var roles Roles
	for _, name := range names {
		role := roleNamed(name)
		if role == 0 {
			return 0, fmt.Errorf("%w: unknown role %q", ErrBadToken, name)
		}
		roles |= role
	}
	return roles, nil
}

func roleNamed(name string) Roles {
	for i := range roleNames {
		if roleNames[i] == name {
			return 1 << i
		}
	}
	return 0
}
