"""What the cuda engine is made of: network, noise, rules and blocks of draws as captured work on a device."""
