"""What a command does, without a command line: settings in, values back, remarks to an observer."""
