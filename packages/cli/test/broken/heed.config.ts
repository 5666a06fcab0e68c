export const settings = { nothing: "that is a heed" };
