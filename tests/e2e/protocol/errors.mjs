// What the form of a request can be refused for, whatever the broker's state is.

export const kFormErrors = ['malformed', 'unknown_field', 'bad_value', 'missing_field', 'too_large'];
