declare const htm: { bind(create: unknown): (strings: TemplateStringsArray, ...values: unknown[]) => any };
export default htm;
